"""The exceptions that end a run early."""


class RequestError(ValueError):
    """A request that cannot be met; the message says why in one sentence.

    code: the last lines of the message, where they are code to paste.
    """

    code = ""


class SignalExit(SystemExit):
    """The exit of a run that a signal ends; a layer's own exit is a plain SystemExit."""

    def __init__(self, number: int) -> None:
        """Exit with 128 + the number of the signal."""
        super().__init__(128 + number)
