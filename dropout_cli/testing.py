"""The entry point for a test suite: is a layer right?"""

from __future__ import annotations


def check(layer: object, p: float | None = None, seed: int = 0) -> None:
    """Run a layer in training and inference, and compare what it does with dropout.

    layer: a torch.nn.Module or its class, a class of NumPy layers or an instance of one, or a
        function run(x, grad_y, p, training) -> (y, grad_x). A class is called with p.
    p: the drop probability, 0 ≤ p ≤ 1. If not given: 0, 0.1, 0.3, 0.5, 0.9 and 1, or that of an
        instance.
    seed: of the global generators, from 0; they are given back their states.

    Raises AssertionError, with the report, where the layer is wrong, or takes no p that would show
    it; RequestError where it is of no known kind or runs out of memory, or p is no probability.
    Where chance decides, the test is exact, at a level of 1e-9.
    """
    __tracebackhide__ = True  # pytest then shows the report, not this function
    from dropout_cli.formats.document import Setting
    from dropout_cli.formats.terminal import to_text
    from dropout_cli.verify.judge import judge_layer
    from dropout_cli.views.layer import suite
    from dropout_cli.views.report import Report, page
    from dropout_cli.words import load
    from dropout_cli.words.messages import Voice

    named = layer if hasattr(layer, "__qualname__") else type(layer)
    name = f"{named.__module__}:{named.__qualname__}"
    voice = Voice(load("en"))
    findings = judge_layer(layer, None if p is None else [p], seed)
    told = Report([suite(name, findings, seed, voice)])
    if told.ok is not True:
        raise AssertionError("\n" + to_text(page(told, voice), Setting("", None, "en")))
