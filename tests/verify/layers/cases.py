"""Layers of dropout as teams write them, each with the verdict that the judge must give.

RIGHT and WRONG map their names to them, once the modules beside this one are imported.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple


class Case(NamedTuple):
    """A layer.

    fails: the questions that it fails, each with the mistake; None where it has no name, "a or b"
    where either will do. unjudged: the questions that cannot be judged, at some p at least.
    quick: the p at which every run of the tests judges it; at all of them only the slow ones do.
    """

    layer: Any
    fails: Mapping[str, str | None]
    unjudged: Sequence[str]
    quick: Sequence[float]


RIGHT: dict[str, Case] = {}
WRONG: dict[str, Case] = {}
OTHER_TYPE = ("shape-and-dtype",)  # most layers of NumPy answer float32 with float64


def right(
    name: str = "", unjudged: Sequence[str] = OTHER_TYPE, quick: Sequence[float] = ()
) -> Callable[[Any], Any]:
    """Enter a right layer, which must not be accused."""

    def enter(layer: Any) -> Any:
        RIGHT[name or layer.__name__] = Case(layer, {}, unjudged, quick)
        return layer

    return enter


def wrong(
    fails: Mapping[str, str | None], quick: Sequence[float] = (), name: str = ""
) -> Callable[[Any], Any]:
    """Enter a wrong layer, which must be found, and its mistake named."""

    def enter(layer: Any) -> Any:
        WRONG[name or layer.__name__] = Case(layer, fails, (), quick)
        return layer

    return enter
