"""What would be if one value were set: a snapshot with it set, to be resolved like any other."""

from claude_local_plugin.core.frozen import replace
from claude_local_plugin.errors import UsageError
from claude_local_plugin.precedence.model import FileState, Scope, SettingsFile, Snapshot
from claude_local_plugin.precedence.table import SETTINGS_ORDER


def full_key(name: str) -> str:
    """The key as it is looked up: `ANTHROPIC_MODEL` is `env.ANTHROPIC_MODEL`; settings keys stay as they are."""
    bare = name.removeprefix("env.")
    return f"env.{bare}" if name.startswith("env.") or (bare.upper() == bare and bare[:1].isalpha()) else name


def with_value(snapshot: Snapshot, scope: Scope, key: str, value: str) -> Snapshot:
    """The snapshot as it would be with `key` set to `value` in this scope (`cli` for `--model`).

    A file that is absent or dropped counts as one that holds this value alone.
    """
    key = full_key(key)
    if scope is Scope.CLI or key == "--model":
        if key not in ("model", "--model"):
            raise UsageError(f"the command line sets --model and nothing else, not {key}")
        return replace(snapshot, cli_model=value)
    if scope is Scope.SHELL:
        if not key.startswith("env."):
            raise UsageError(f"the shell sets variables, and {key} is a settings key")
        return replace(snapshot, shell={**snapshot.shell, key.removeprefix("env."): value})
    if scope not in SETTINGS_ORDER:
        raise UsageError(f"nothing can be set in the scope {scope}", f"choose from {', '.join(SETTINGS_ORDER)}, cli")
    return replace(snapshot, files=_files_with(snapshot, scope, tuple(key.split(".", 1)), value))


def _files_with(snapshot: Snapshot, scope: Scope, path: tuple[str, ...], value: str) -> tuple[SettingsFile, ...]:
    files = list(snapshot.files)
    index = next((i for i, file in enumerate(files) if file.scope is scope), None)
    if index is None:  # no file of this scope is read here; the value goes where one would stand
        index = sum(file.scope in SETTINGS_ORDER[: SETTINGS_ORDER.index(scope)] for file in files)
        files.insert(index, SettingsFile(scope, None, FileState.READ))
    old = files[index]
    data = dict(old.data) if old.state is FileState.READ else {}
    if len(path) == 1:
        data[path[0]] = value
    else:
        block = data.get(path[0])
        data[path[0]] = {**(block if isinstance(block, dict) else {}), path[1]: value}
    files[index] = replace(old, state=FileState.READ, problem=None, data=data)
    return tuple(files)
