"""The entry points for a test suite, which raise where a layer or its values are wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from dropout_cli.views.verification import Suite
    from dropout_cli.words.messages import Messages


def check(
    layer: object, p: float | Sequence[float] | None = None, seed: int = 0, dtype: str | None = None
) -> None:
    """Run a layer in training and inference, and compare what it does with dropout.

    layer: a torch.nn.Module or its class, a class of NumPy layers or an instance of one, or a
        function run(x, grad_y, p, training) -> (y, grad_x). A class is called with p.
    p: the drop probability, 0 ≤ p ≤ 1, or several. If not given: 0, 0.1, 0.137, 0.25, 0.5, 0.9 and
        1, or that of an instance.
    seed: of the global generators, from 0; they are given back their states.
    dtype: of x: "float16", "bfloat16", "float32" or "float64"; if not given, float32, or what the
        layer answers with.

    Raises AssertionError where the layer is wrong: its first line is the verdict, the report
    follows, and what the layer itself raised is its cause. Raises RequestError where the layer
    cannot be judged: it is of no known kind, takes no p that would show what it does, or runs out
    of memory. Where chance decides, a right layer fails a question with a probability of at most
    1e-9.
    """
    __tracebackhide__ = True  # pytest then shows the report, not this function
    from dropout_cli.verify.judge import judge_layer
    from dropout_cli.views.verification import layer_suite

    named = layer if hasattr(layer, "__qualname__") else type(layer)
    name = f"{named.__module__}:{named.__qualname__}"
    findings = judge_layer(layer, [p] if isinstance(p, int | float) else p, seed, dtype)
    _raise(lambda messages: layer_suite(name, findings, seed, messages))


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
    """Compare what an implementation computed with dropout.

    x: the input, finite numbers in an array of any shape; all arrays have this shape.
    p: the drop probability, 0 ≤ p ≤ 1.
    y: the output that was computed. It, grad_x or both are judged.
    grad_y: the upstream gradient ∂L/∂y, finite numbers, without which grad_x cannot be judged.
    grad_x: the gradient ∂L/∂x that was computed.
    mask: 1 or True kept, 0 or False dropped; if not given, it is read from y, and where x is 0 from
        grad_x.
    training: False for inference, where nothing is dropped or scaled.
    dtype: what it was computed in: "float16", "bfloat16", "float32" or "float64"; if not given,
        the type of y, or of grad_x, or float32 where that is another.
    rtol: the relative difference allowed; if not given, 1e-5, or what the dtype rounds away if that
        is more.
    atol: the absolute difference allowed besides.

    Raises AssertionError where y or grad_x is wrong, or p does not make such a mask: its first line
    is the verdict, the report follows. Raises RequestError where they cannot be judged. A mask
    that was sampled with p fails with a probability of at most 2e-9.
    """
    __tracebackhide__ = True
    from dropout_cli.problem import Problem
    from dropout_cli.verify.candidate import Candidate, judge, one_shape, read_mask
    from dropout_cli.verify.tolerance import TYPES
    from dropout_cli.views.verification import candidate_suite

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
    findings, allowed = judge(candidate, rtol, atol)
    _raise(lambda messages: candidate_suite(candidate, findings, allowed, messages))


def _raise(make: Callable[[Messages], Suite]) -> None:
    """Raise what the verdict on a suite calls for."""
    __tracebackhide__ = True
    from dropout_cli.formats.document import Setting
    from dropout_cli.formats.terminal import to_text
    from dropout_cli.views.verification import page, summary, verdict
    from dropout_cli.words import load
    from dropout_cli.words.messages import Messages

    messages = Messages(load("en"))
    suite = make(messages)
    if verdict([suite]) is None:
        raise RequestError(summary(suite, messages))
    if verdict([suite]) is False:
        report = page([suite], messages)[:-1]  # without the exit code of the command
        found = [row.finding for row in suite.rows if row.finding.ok is False]
        causes = [each.reason.cause for each in found if each.reason and each.reason.cause]
        text = to_text(report, Setting("", None, "en"))
        raise AssertionError(f"{summary(suite, messages)}\n\n{text}") from next(iter(causes), None)
