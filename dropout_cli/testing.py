"""The entry point for a test suite: is a layer right?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def check(
    layer: object, p: float | Sequence[float] | None = None, seed: int = 0, dtype: str | None = None
) -> None:
    """Run a layer in training and inference, and compare what it does with dropout.

    layer: a torch.nn.Module or its class, a class of NumPy layers or an instance of one, or a
        function run(x, grad_y, p, training) -> (y, grad_x). A class is called with p.
    p: the drop probability, 0 ≤ p ≤ 1, or several. If not given: 0, 0.1, 0.137, 0.3, 0.5, 0.9 and
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
    from dropout_cli.errors import RequestError
    from dropout_cli.formats.document import Setting
    from dropout_cli.formats.terminal import to_text
    from dropout_cli.verify.judge import judge_layer
    from dropout_cli.views.verification import Report, layer_suite, page, summary
    from dropout_cli.words import load
    from dropout_cli.words.messages import Messages

    named = layer if hasattr(layer, "__qualname__") else type(layer)
    name = f"{named.__module__}:{named.__qualname__}"
    messages = Messages(load("en"))
    ps = [p] if isinstance(p, int | float) else p
    findings = judge_layer(layer, ps, seed, dtype)
    suite = layer_suite(name, findings, seed, messages)
    report = Report([suite])
    if report.ok is None:
        raise RequestError(summary(suite, messages))
    if not report.ok:
        text = to_text(page(report, messages), Setting("", None, "en"))
        causes = (each.reason.cause for each in findings if each.ok is False and each.reason)
        cause = next((each for each in causes if each is not None), None)
        raise AssertionError(f"{summary(suite, messages)}\n\n{text}") from cause
