"""What can go wrong in a way that people can mend: every error says what, where and what next."""


class ClaudeLocalError(Exception):
    """A problem to show to the user.

    `message` says what is wrong and where (lower case, no full stop); `hint` is the one thing to do next;
    `exit_code` is what the process ends with.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ClaudeLocalError):
    """The command was called in a way that cannot be carried out; exit code 2."""

    exit_code = 2


class SettingsError(ClaudeLocalError):
    """A settings file cannot be read, understood or written."""


class BackendError(ClaudeLocalError):
    """A model server does not answer, or answers in a way we cannot use."""
