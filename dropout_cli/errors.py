"""The one kind of error that a request can cause."""


class RequestError(ValueError):
    """What was asked cannot be done; the message says in one sentence why, where, and what can."""
