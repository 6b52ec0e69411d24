"""The one error that users see, and the few subclasses that somebody catches."""


class Error(Exception):
    """What went wrong, where, and what to do.

    `message` is one sentence; `hint`, where there is a cure, is one line; `code` is the exit code of CONTRACT
    (2: the user or the surroundings must act).
    """

    code = 2

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(Error):
    """The words of the command are off, or a value in a file or an option is."""


class BadInputError(UsageError):
    """Data from outside (JSON, a form, a trailer) does not have the shape that it must have."""


class NotFoundError(Error):
    """A revision, path, line or id that the user named is not there."""


class GitError(Error):
    """Git itself failed; the message carries the command and git's own words, `process` the id that it ran under."""

    def __init__(self, message: str, hint: str | None = None, process: int | None = None) -> None:
        super().__init__(message, hint)
        self.process = process


class LockError(Error):
    """Another process of ours holds the lock, and went on holding it."""


class EmbeddingError(Error):
    """Vectors cannot be computed now (no model, a damaged model, a server away); lexical search still answers."""


class VectorError(Error):
    """The vector store cannot answer now; lexical search still does."""
