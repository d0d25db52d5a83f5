"""Is a layer right: it is run at each p, in training and in inference, and every question asked."""

from __future__ import annotations

import random
import re
import sys
import warnings
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.arrays import as_probability
from dropout_cli.errors import RequestError
from dropout_cli.verify import questions
from dropout_cli.verify.layers import (
    PASSES,
    OutOfMemoryError,
    UnknownKindError,
    adapt,
    refuse_out_of_memory,
)
from dropout_cli.verify.runs import LayerRaisedError, Run, Runs, UnreadableError, unanswered
from dropout_cli.verify.tolerance import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dropout_cli.arrays import FloatArray
    from dropout_cli.verify.layers import Layer
    from dropout_cli.verify.runs import LayerFinding

    Shape = tuple[int, ...]

SWEEP = (0.0, 0.1, 0.3, 0.5, 0.9, 1.0)
BATCH = (250, 280)
SHAPES: tuple[Shape, ...] = ((70_000,), BATCH, (20, 50, 70))  # 210,000 elements in all
ENDS = (0.0, 1.0)  # a p that a layer may refuse in a call
REFUSALS = (AssertionError, NotImplementedError, ValueError)  # of a p
OF_P = re.compile(r"\bp\b|\bprob|\brate\b|\bkeep\b|\bdrop", re.IGNORECASE)  # it is about p
SEEDS = 2**64


def judge_layer(
    layer: object, ps: Sequence[float] | None = None, seed: int = 0
) -> list[LayerFinding]:
    """The answer to every question of questions.py at each p.

    layer: an object of a kind that layers.py knows. An instance is run as it is.
    ps: the drop probabilities; if not given, SWEEP, or for an instance its own p.
    seed: from 0. It sets the global generators of Python, NumPy and, if it is loaded, PyTorch;
        afterwards they have their states back. A generator of the layer's own is not reached.

    What the layer raises fails the questions that need that run. A p that it refuses leaves them
    open (ok is None) if it takes another. Raises RequestError for a layer of no known kind or one
    that runs out of memory, for a p that is no probability, and for one that an instance does not
    have.
    """
    if type(seed) is not int or not 0 <= seed < SEEDS:
        raise RequestError(f"seed is {seed!r}, but it must be a whole number from 0 to 2^64 - 1")
    adapted = adapt(layer)
    own = None if adapted.p is None else as_probability(adapted.p)
    if ps is None:
        ps = SWEEP if own is None else (own,)
    asked = [as_probability(p) for p in ps]
    for p in asked:
        if own is not None and p != own:
            raise RequestError(
                f"the layer is an instance with p = {own}, so it cannot be asked at p = {p}: give"
                " the class instead"
            )
    try:
        return _reconcile(_findings(adapted, asked, seed))
    except MemoryError as error:  # in the checks themselves
        raise OutOfMemoryError(error) from None


def _findings(adapted: Layer, ps: Sequence[float], seed: int) -> list[LayerFinding]:
    """The answer to every question at each p."""
    with _seeded(seed), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        data = _data(seed)
        runs = [_run(adapted, p, data) for p in ps]
        takes_some_p = not all(run.refused for run in runs)
        # A question may call the layer again, so it is asked here too.
        return [finding for run in runs for finding in _answers(run, takes_some_p)]


def _answers(runs: Runs, takes_some_p: bool) -> Iterator[LayerFinding]:
    open_ = None if runs.refused and takes_some_p else False
    for name, question in questions.at(runs.p).items():
        try:
            yield question(runs)
        except LayerRaisedError as error:
            yield unanswered(name, runs.p, open_, **error.reason)
        except UnreadableError as error:
            yield unanswered(name, runs.p, None, **error.reason)


def _reconcile(findings: list[LayerFinding]) -> list[LayerFinding]:
    """Each mistake named by what explains it at every p where the question fails.

    At one p alone formulas may coincide: at p = 0.5, v·m·p is v·m·(1−p).
    """
    common: dict[str, list[str]] = {}
    for finding in findings:
        if finding.fits is not None:
            known = common.get(finding.id, finding.fits)
            common[finding.id] = [name for name in known if name in finding.fits]
    return [
        finding
        if finding.fits is None
        else finding._replace(mistake=next(iter(common[finding.id]), None), fits=common[finding.id])
        for finding in findings
    ]


def _data(seed: int) -> dict[Shape, tuple[FloatArray, FloatArray]]:
    """x and grad_y for each shape: ±k/64 with 32 ≤ k < 128, exact in every type, never 0."""
    rng = np.random.default_rng(seed)

    def draw(shape: Shape) -> FloatArray:
        signs: FloatArray = rng.choice([-1.0, 1.0], shape)
        return signs * rng.integers(32, 128, shape) / 64

    return {shape: (draw(shape), draw(shape)) for shape in SHAPES}


def _run(layer: Layer, p: float, data: dict[Shape, tuple[FloatArray, FloatArray]]) -> Runs:
    """The layer at one p: in training twice, in inference, and in training again.

    The layer is first given float32. If it answers in another type, up to its widest, it is given
    that type from then on. A shape that it does not take, while it takes another, is left out: the
    other stands in for it.
    """
    try:
        call = layer.at(p)
    except (UnknownKindError, *PASSES):
        raise
    except BaseException as error:  # a layer may also exit, or skip its test
        refuse_out_of_memory(error)
        return _raised(p, error, refused=isinstance(error, REFUSALS) or p in ENDS)

    dtype = "float32"

    def answer(shape: Shape, training: bool = True) -> Run:
        x, grad_y = data[shape]
        return Run(x, grad_y, dtype, call(x, grad_y, training, dtype))

    taken: dict[Shape, Run] = {}
    unfit: dict[Shape, BaseException] = {}
    for shape in SHAPES:
        try:
            taken[shape] = answer(shape)
        except PASSES:
            raise
        except BaseException as error:  # a layer may also exit, or skip its test
            refuse_out_of_memory(error)
            unfit[shape] = error
    if not taken:
        refused = p in ENDS and isinstance(unfit[BATCH], REFUSALS)
        refused = refused and OF_P.search(str(unfit[BATCH])) is not None
        inference = _outcome(lambda: [answer(BATCH, training=False)])
        return replace(_raised(p, unfit[BATCH], refused), inference=inference)
    usual = BATCH if BATCH in taken else next(iter(taken))
    dtype = _own_type(taken[usual], layer.widest)
    shapes = [shape if shape in taken else usual for shape in SHAPES]
    pairs = _outcome(lambda: [run for shape in shapes for run in (answer(shape), answer(shape))])
    return Runs(
        p=p,
        training=pairs[::2] if isinstance(pairs, list) else pairs,
        repeated=pairs[1::2] if isinstance(pairs, list) else pairs,
        inference=_outcome(lambda: [answer(shape, training=False) for shape in shapes]),
        again=_outcome(lambda: [answer(usual)]),
        more=lambda: _outcome(lambda: [answer(usual)]),
        unfit={str(shape): error for shape, error in unfit.items()},
    )


def _own_type(run: Run, widest: str) -> str:
    answered = run.answer.y.dtype
    if answered not in TYPES or TYPES[answered].bits > TYPES[widest].bits:
        return "float32"
    return answered


def _outcome(runs: Callable[[], list[Run]]) -> list[Run] | LayerRaisedError:
    try:
        return runs()
    except PASSES:
        raise
    except BaseException as error:  # a layer may also exit, or skip its test
        refuse_out_of_memory(error)
        return LayerRaisedError(error)


def _raised(p: float, error: BaseException, refused: bool) -> Runs:
    raised = LayerRaisedError(error)
    return Runs(p, raised, raised, raised, raised, lambda: raised, refused=refused)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Sets the global generators from the seed, and gives them their states back."""
    torch: Any = sys.modules.get("torch")
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    generator = torch and torch.default_generator
    state = torch and generator.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    if torch:
        generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
        if torch:
            generator.set_state(state)
