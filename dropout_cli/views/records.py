"""The JSON that the program writes and reads, key by key.

Every record names its `schema`. Vectors are lists, masks lists of 0 and 1, and every number reads
back to the same float.
"""

from typing import Any, Literal, Required, TypeAlias, TypedDict

from numpy.typing import NDArray

Vector: TypeAlias = NDArray[Any]  # in JSON a list


class MaskSource(TypedDict, total=False):
    """The origin of a mask."""

    kind: Literal["given", "drawn"]  # given, also as the worked example's; or drawn from a seed
    rng: str  # drawn: the generator, a name of `dropout-cli masks`
    seed: int  # drawn: the seed
    skip: int  # drawn: how many draws of the stream came before; absent where none


class ForwardRecord(TypedDict):
    """The forward pass, as `forward` writes it."""

    schema: str  # "dropout-cli/trace/1"
    mode: Literal["training", "inference"]  # inference: nothing is dropped or scaled
    p: float  # the drop probability
    scale: float | None  # 1/(1−p); 1 in inference, null at p = 1
    x: Vector  # the input
    mask: Vector | None  # 1 kept, 0 dropped; null in inference
    mask_source: MaskSource | None  # null in inference
    y: Vector  # the output


class TraceRecord(ForwardRecord):
    """Both passes, as `backward` writes them."""

    grad_y: Vector  # the upstream gradient ∂L/∂y
    grad_y_source: str  # "given", or the loss that it comes from
    loss: float | None  # the loss; null where grad_y was given, or the loss overflows
    local_grad: Vector  # m/(1−p)
    grad_x: Vector  # the gradient ∂L/∂x


class ClaimRecord(TypedDict):
    """One check of a verification."""

    id: str  # which claim, or which requirement of a layer
    case: str | None  # the candidate or the layer; null where the claims themselves are checked
    p: float  # the drop probability
    statement: str  # what is checked, in words
    method: str  # how
    checked: int  # how many elements
    max_error: float | None  # the largest difference; null where it is no finite number
    ok: bool | None  # null: not checked


class ElementRecord(TypedDict):
    """A wrong element."""

    i: int | list[int]  # its index from 1; a list for several axes
    got: float | str  # what was computed; "nan", "inf" or "-inf" where it is no finite number
    expected: float  # what is right


class DiagnosisRecord(TypedDict):
    """One explanation of what is wrong."""

    id: str  # the mistake; "unknown", or "raised" where there is an exception instead of a result
    claim: str  # the id of the check that it explains
    case: str | None  # the case of that check
    p: float  # the drop probability of that check
    about: str  # "y", "grad_x", "mask", "x" or "grad_y"
    explanation: str  # in words
    elements: list[ElementRecord]  # some of the wrong ones


class VerifyRecord(TypedDict):
    """A verification, as `verify` writes it."""

    schema: str  # "dropout-cli/verify/1"
    ok: bool | None  # whether no check failed; null where what was asked for could not be checked
    claims: list[ClaimRecord]  # the checks
    diagnosis: list[DiagnosisRecord]  # what explains those that failed


class CandidateRecord(TypedDict, total=False):
    """What an implementation computed, for `verify --candidate`; any other key is refused.

    A file holds one candidate, or a list of them. Vectors may be nested lists, all of one shape.
    """

    schema: str  # "dropout-cli/trace/1"; with it, a saved pass is judged as it is
    name: str  # what the report calls the case
    meta: Any  # free, for a commit or a build
    mode: Literal["training", "inference"]  # if absent, training, or as --eval says
    x: list[Any]  # the input; if absent, as the options say
    p: float  # the drop probability; if absent, as the options say
    mask: list[Any]  # 1 or true kept, 0 or false dropped; if absent, read from y and grad_x
    y: list[Any]  # the output that was computed; it, grad_x or both are there to be judged
    grad_x: list[Any]  # the gradient that was computed
    grad_y: list[Any]  # the upstream gradient, without which grad_x cannot be judged
    grad_y_source: str  # or the loss to take it from
    loss: float  # and its value, which is not judged
    dtype: Literal["float16", "bfloat16", "float32", "float64"]  # if absent, float32


class StepRecord(TypedDict):
    """One step of the derivation."""

    id: str  # its name
    title: str  # its title
    text: list[str]  # its sentences
    latex: list[str]  # its formulas
    numbers: dict[str, Any]  # the numbers in it


class WalkthroughRecord(TypedDict):
    """The chosen steps, as `walkthrough` writes them."""

    schema: str  # "dropout-cli/walkthrough/1"
    language: str  # "en" or "zh"
    steps: list[StepRecord]  # the steps, in their order
    trace: TraceRecord  # the pass that the steps describe


class TitleRecord(TypedDict):
    """One step of the list."""

    number: int  # from 1
    id: str  # its name
    title: str  # its title


class ContentsRecord(TypedDict):
    """The list of the steps, as `walkthrough --list` writes it."""

    schema: str  # "dropout-cli/steps/1"
    language: str  # "en" or "zh"
    steps: list[TitleRecord]  # the steps, in their order


class MasksRecord(TypedDict, total=False):
    """What the sources draw from a seed, or from which seeds they draw a mask."""

    schema: Required[str]  # "dropout-cli/masks/1"
    p: Required[float]  # the drop probability
    n: Required[int]  # how many elements
    seed: int  # the seed
    skip: int  # how many draws of each stream came before; absent where none
    masks: dict[str, Vector]  # what each source draws from it
    equal: dict[str, bool]  # whether that is the mask of --mask
    find: Vector  # the mask that --find looks for
    below: int  # the seeds from 0 to below − 1 are tried
    seeds: dict[str, int | None]  # the smallest seed of each source; null: none
