"""By what a settings file is judged: which wrong value makes Claude Code drop the whole file, silently in most modes.

Established on Claude Code 2.1.329 by giving every top-level key ten values of different types in turn.
Unknown keys are tolerated, and so is anything under the many keys that are not named here.
"""

from collections.abc import Callable, Mapping


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_Judge = Callable[[object], bool]

_JUDGES: tuple[tuple[str, _Judge, str], ...] = (
    (
        "a string",
        lambda value: isinstance(value, str),
        "$schema apiKeyHelper proxyAuthHelper awsCredentialExport awsAuthRefresh gcpAuthRefresh processWrapper"
        " attributionProject model prUrlTemplate otelHeadersHelper outputStyle language",
    ),
    (
        "an object",
        lambda value: isinstance(value, dict),
        "env permissions",
    ),
)
_BY_KEY: dict[str, tuple[str, _Judge]] = {
    key: (wanted, judge) for wanted, judge, keys in _JUDGES for key in keys.split()
}


def problem_of(data: Mapping[str, object]) -> str | None:
    """Why Claude Code drops a file with this content, or None when it takes it."""
    for key, value in data.items():
        rule = _BY_KEY.get(key)
        if rule is not None and not rule[1](value):
            return f'"{key}" must be {rule[0]}'
    return None


def skipped_entries(data: Mapping[str, object]) -> tuple[str, ...]:
    """Entries that Claude Code leaves out while it takes the rest of the file."""
    return ()
