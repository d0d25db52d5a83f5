"""The entry points for a test suite, which raise if a layer or its values are wrong."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dropout_cli.errors import RequestError
from dropout_cli.formats.document import Setting
from dropout_cli.formats.terminal import to_text
from dropout_cli.problem import Problem
from dropout_cli.verify.candidate import Candidate, judge_candidate, one_shape, read_mask
from dropout_cli.verify.judge import judge_layer
from dropout_cli.verify.tolerance import TYPES
from dropout_cli.views import verification
from dropout_cli.words import load
from dropout_cli.words.messages import Messages

MESSAGES = Messages(load("en"))


def check(
    layer: object, p: float | Sequence[float] | None = None, seed: int = 0, dtype: str | None = None
) -> None:
    """Run a layer in training and inference, and compare what it does with dropout.

    layer: a torch.nn.Module or its class, a class of NumPy layers or an instance of one, or a
        function run(x, grad_y, p, training) -> (y, grad_x). A class is called with p.
    p: the drop probability, 0 ≤ p ≤ 1, or several; by default 0, 0.1, 0.137, 0.25, 0.5, 0.9 and 1,
        or that of an instance.
    seed: of the global generators, from 0; their states are restored.
    dtype: of x: "float16", "bfloat16", "float32" or "float64"; by default float32, or the type of
        the layer's output.

    Raises AssertionError if the layer is wrong: the first line is the verdict, the report follows,
    and the cause is the exception of the layer, if any. Raises RequestError if the layer cannot be
    judged: it is of no known kind, accepts no p that would show what it does, or runs out of
    memory. A correct layer fails a random check with a probability of at most 1e-9.
    """
    __tracebackhide__ = True  # pytest then shows the report, not this function
    named = layer if hasattr(layer, "__qualname__") else type(layer)
    name = f"{named.__module__}:{named.__qualname__}"
    findings = judge_layer(layer, [p] if isinstance(p, int | float) else p, seed, dtype)
    _raise(verification.layer_suite(name, findings, seed, MESSAGES))


def check_values(
    x: ArrayLike,
    p: float,
    *,
    y: ArrayLike | None = None,
    grad_y: ArrayLike | None = None,
    grad_x: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    training: bool = True,
    dtype: str | None = None,
    rtol: float | None = None,
    atol: float = 0.0,
) -> None:
    """Compare computed values with dropout.

    x: the input, finite numbers in an array of any shape; all arrays have this shape.
    p: the drop probability, 0 ≤ p ≤ 1.
    y: the computed output. It, grad_x or both are judged.
    grad_y: the upstream gradient ∂L/∂y, finite numbers; needed to judge grad_x.
    grad_x: the computed gradient ∂L/∂x.
    mask: 1 or True kept, 0 or False dropped; by default it is read from y, and from grad_x where
        x is 0.
    training: False for inference, where nothing is dropped or scaled.
    dtype: of the computation: "float16", "bfloat16", "float32" or "float64"; by default that of y
        or else of grad_x, or float32 if it is none of these.
    rtol: the relative difference allowed; by default the larger of 1e-5 and the rounding of dtype.
    atol: the absolute difference allowed besides.

    Raises AssertionError if y or grad_x is wrong, or the mask improbable for p: the first line is
    the verdict, the report follows. Raises RequestError if they cannot be judged. A mask that was
    sampled with p fails with a probability of at most 2e-9.
    """
    __tracebackhide__ = True
    given = {"x": x, "mask": mask, "grad_y": grad_y, "y": y, "grad_x": grad_x}
    arrays = {key: np.atleast_1d(value) for key, value in given.items() if value is not None}
    shape = one_shape({key: array.shape for key, array in arrays.items()})
    known: dict[str, Any] = {key: array.ravel() for key, array in arrays.items()}
    values = {key: known.pop(key) for key in [*known] if key in ("y", "grad_x")}
    if not values:
        raise RequestError("there is neither y nor grad_x, so there is nothing to judge")
    if grad_x is not None and grad_y is None:
        raise RequestError("there is grad_x, but no grad_y, so what is right is unknown")
    if dtype is None:
        own = next(iter(values.values())).dtype.name
        dtype = own if own in TYPES else "float32"
    elif dtype not in TYPES:
        raise RequestError(f"dtype is {dtype!r}, but it must be one of {', '.join(TYPES)}")
    problem = Problem.create(**known, p=p, training=training)
    problem = replace(problem, shape=shape if shape[1:] else None)
    wide = {key: vector.astype(np.float64) for key, vector in values.items()}
    candidate = Candidate(problem, wide, dtype, "what was computed")
    if mask is None:
        candidate = read_mask(candidate)
    findings, allowed = judge_candidate(candidate, rtol, atol)
    _raise(verification.candidate_suite(candidate, findings, allowed, MESSAGES))


def _raise(suite: verification.Suite) -> None:
    """Raise an error unless all checks of a suite passed."""
    __tracebackhide__ = True
    ok = verification.verdict([suite])
    if ok:
        return
    first_line = verification.summary(suite, MESSAGES)
    if ok is None:
        raise RequestError(first_line)
    page = verification.page([suite], MESSAGES)[:-1]  # without the exit code of the command
    report = to_text(page, Setting("", None, "en"))
    reasons = [row.finding.reason for row in suite.rows if row.finding.ok is False]
    causes = [reason.cause for reason in reasons if reason and reason.cause]
    raise AssertionError(f"{first_line}\n\n{report}") from next(iter(causes), None)
