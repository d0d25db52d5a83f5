"""What goes out as JSON: the keys of every record, which the README explains one by one."""

from typing import Any, Literal, TypeAlias, TypedDict

from numpy.typing import NDArray

Vector: TypeAlias = NDArray[Any]  # in JSON a list


class MaskSource(TypedDict, total=False):
    """Where a mask came from; a drawn one names its generator and seed."""

    kind: Literal["given", "drawn"]
    rng: str
    seed: int


class ForwardRecord(TypedDict):
    """The forward pass as JSON; mask and mask_source are null in inference, scale at p = 1."""

    schema: str
    mode: Literal["training", "inference"]
    p: float
    scale: float | None
    x: Vector
    mask: Vector | None
    mask_source: MaskSource | None
    y: Vector


class TraceRecord(ForwardRecord):
    """Both passes as JSON; loss is null where grad_y was given, or an assumed loss overflows."""

    grad_y: Vector
    grad_y_source: str
    loss: float | None
    local_grad: Vector
    grad_x: Vector


class ClaimRecord(TypedDict):
    """One check; ok is null where it was not made, max_error where it is no finite number."""

    id: str
    case: str | None
    p: float
    statement: str
    method: str
    checked: int
    max_error: float | None
    ok: bool | None


class ElementRecord(TypedDict):
    """A wrong element: its index from 1, a list for several axes; got may be "nan" or "inf"."""

    i: int | list[int]
    got: float | str
    expected: float


class DiagnosisRecord(TypedDict):
    """One explanation of what is wrong: the mistake's name, or "unknown" or "raised"."""

    id: str
    claim: str
    case: str | None
    p: float
    about: str
    explanation: str
    elements: list[ElementRecord]


class VerifyRecord(TypedDict):
    """A verification as JSON; ok is null where what was asked for could not be checked."""

    schema: str
    ok: bool | None
    claims: list[ClaimRecord]
    diagnosis: list[DiagnosisRecord]


class StepRecord(TypedDict):
    """One step as JSON: its sentences, its formulas in LaTeX, and the numbers in it."""

    id: str
    title: str
    text: list[str]
    latex: list[str]
    numbers: dict[str, Any]


class WalkthroughRecord(TypedDict):
    """The chosen steps as JSON, and the trace they tell of."""

    schema: str
    language: str
    steps: list[StepRecord]
    trace: TraceRecord


class TitleRecord(TypedDict):
    """One step of the list."""

    number: int
    id: str
    title: str


class ContentsRecord(TypedDict):
    """The list of the steps as JSON."""

    schema: str
    language: str
    steps: list[TitleRecord]


class AskedRecord(TypedDict):
    """For what the sources draw."""

    schema: str
    p: float
    n: int


class MasksRecord(AskedRecord, total=False):
    """What the sources draw from a seed, or from which seeds they draw a mask, as JSON."""

    seed: int
    masks: dict[str, list[int]]
    equal: dict[str, bool]
    find: list[int]
    below: int
    seeds: dict[str, int | None]
