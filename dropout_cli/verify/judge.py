"""Judge a layer: run it at each p, ask every question, and name what is wrong."""

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from dropout_cli.arrays import as_probability
from dropout_cli.errors import RequestError
from dropout_cli.proof.finding import Finding
from dropout_cli.verify import mistakes, questions
from dropout_cli.verify.calls import Record, record
from dropout_cli.verify.layers import adapt, generators
from dropout_cli.verify.load import quote
from dropout_cli.verify.questions import NoAnswerError
from dropout_cli.verify.tolerance import TYPES

SWEEP = (0.0, 0.1, 0.137, 0.25, 0.5, 0.9, 1.0)  # 0.137 is no multiple of 1/256 or 1/100


def judge_layer(
    layer: object, ps: Sequence[float] | None = None, seed: int = 0, dtype: str | None = None
) -> list[Finding]:
    """Run a layer and answer every question of questions.py at each p.

    layer: an object of a kind that layers.py knows. An instance is run as it is.
    ps: the drop probabilities; if not given, SWEEP, or for an instance its own p.
    seed: from 0. It sets the global generators of Python, NumPy and, if it is loaded, PyTorch;
        afterwards they have their states back. A generator of the layer's own is not reached.
    dtype: of x, a name in tolerance.TYPES; if not given, float32, or what the layer answers with.

    Raises RequestError for a layer of no known kind, for a p that is no probability, for one that
    an instance does not have, and where memory runs out.
    """
    if dtype is not None and dtype not in TYPES:
        raise RequestError(f"dtype is {dtype!r}, but it must be one of {', '.join(TYPES)}")
    adapted = adapt(layer)
    own = adapted.p
    ps = [as_probability(p) for p in ps or (SWEEP if own is None else [own])]
    for p in ps:
        if own not in (None, p):
            raise RequestError(
                f"the layer is an instance with p = {own}, so it cannot be asked at p = {p}: give"
                " the class instead"
            )
    try:
        with _seeded(seed), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            findings = [each for p in ps for each in ask(record(adapted, p, dtype))]
    except MemoryError as error:  # in the layer, or in the checks themselves
        reason = quote(error)
        raise RequestError(f"the layer was not checked, because memory ran out: {reason}") from None
    return mistakes.reconcile(findings)


def ask(found: Record) -> list[Finding]:
    """Ask every question that has a meaning at this p."""
    findings = []
    for name, question in questions.at(found.p).items():
        try:
            finding = question(found)
        except NoAnswerError as error:
            finding = error.finding
        findings.append(finding._replace(id=name, p=found.p))
    return findings


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Set the global generators from the seed, and give them their states back."""
    torch: Any = sys.modules.get("torch")
    threads = torch and torch.get_num_threads()
    before = [(restore, read()) for _, read, restore, _ in generators().values()]
    for set_seed, *_ in generators().values():
        set_seed(seed % 2**32)
    if torch:
        torch.set_num_threads(1)  # on a busy machine they wait for each other at every call
    try:
        yield
    finally:
        for restore, state in before:
            restore(state)
        if torch:
            torch.set_num_threads(threads)
