"""What nn.Dropout does forward and backward, one element at a time.

    from dropout_cli import backward, forward, local_gradient

The names below are imported when they are first used, so that `dropout-cli --help` is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dropout_cli.dropout import backward, forward, local_gradient
    from dropout_cli.errors import RequestError
    from dropout_cli.problem import Problem
    from dropout_cli.testing import check, check_values
    from dropout_cli.trace import Trace

__version__ = "0.2.0"
__all__ = [
    "Problem", "RequestError", "Trace", "backward", "check", "check_values", "forward",
    "local_gradient",
]  # fmt: skip

_HOMES = {
    "Problem": "problem",
    "RequestError": "errors",
    "Trace": "trace",
    "backward": "dropout",
    "check": "testing",
    "check_values": "testing",
    "forward": "dropout",
    "local_gradient": "dropout",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dropout_cli' has no attribute {name!r}")
    return getattr(import_module(f"dropout_cli.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
