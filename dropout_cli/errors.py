"""What ends a run before it is done."""


class RequestError(ValueError):
    """What was asked cannot be done; the message says in one sentence why, where, and what can."""


class SignalExit(SystemExit):
    """SIGTERM or SIGHUP ends the run; a layer's own exit is a plain SystemExit."""
