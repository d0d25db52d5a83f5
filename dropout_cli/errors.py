"""What ends a run before it is done."""


class RequestError(ValueError):
    """What was asked cannot be done; the message says in one sentence why, where, and what can."""


class Terminated(BaseException):
    """SIGTERM or SIGHUP came; like Ctrl-C it is no error, and passes every `except Exception`."""


SIGNALS = (KeyboardInterrupt, Terminated)
