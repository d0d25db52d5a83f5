"""What ends a run before it is done."""


class RequestError(ValueError):
    """What was asked cannot be done; the message says in one sentence why, where, and what can."""

    code = ""  # lines to paste that would help


class SignalExit(SystemExit):
    """A signal ends the run; a layer's own exit is a plain SystemExit."""

    def __init__(self, number: int) -> None:
        """Exit with 128 + the number of the signal."""
        super().__init__(128 + number)
