"""A profile's key by its name alone: for `claude-local token`, which Claude Code may ask at each of its starts.

config.toml is read, and of it one key: what is wrong elsewhere in it keeps no key back.
"""

import os
import sys
import tomllib
from collections import namedtuple
from collections.abc import Mapping, Sequence
from typing import Any

from claude_local_plugin.core import config_rules, helper
from claude_local_plugin.core.files import content
from claude_local_plugin.core.locations import CONFIG_FILE, config_file, state_dir_of
from claude_local_plugin.core.registration import CONFIG_OPTION, STATE_OPTION, as_registered
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import ClaudeLocalError, SettingsError, UsageError
from claude_local_plugin.profiles import secrets

#: What is known of a profile: its name, and where its key is.
Known = namedtuple("Known", ("name", "token"))


def key_by_name(name: str, environ: Mapping[str, str], config_dir: "str | os.PathLike[str]") -> str | None:
    """The key of the profile of this name; None where its server wants none. Raises ClaudeLocalError."""
    path = os.path.join(config_dir, CONFIG_FILE)
    said = _said(path).get(name)
    if not isinstance(said, Mapping):
        raise UsageError(f"there is no profile called {name} in {path}", command("claude-local", "profile", "list"))
    token = said.get("token")
    try:
        known = Known(name, None if token is None else config_rules.RULES["token"](token, ()))
    except ValueError as fault:
        raise SettingsError(
            f"{path}: profiles.{name}.token {fault}", command("claude-local", "profile", "edit", name, "--token-stdin")
        ) from None
    return secrets.key_of(known, environ, config_dir)


def of_helper(helped: helper.Helper, environ: Mapping[str, str]) -> str | None:
    """The key that a helper of ours gives. Raises ClaudeLocalError where it gives the marked one."""
    return key_by_name(helped.profile, environ, helped.config_dir)


def _said(path: str) -> Mapping[str, Any]:
    try:
        found = tomllib.loads(content(path).decode("utf-8")).get("profiles", {})
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    except ValueError:  # no TOML, or no UTF-8
        raise SettingsError(f"{path}: no TOML", command("claude-local", "config", "list")) from None
    return found if isinstance(found, Mapping) else {}


def are_words(words: Sequence[str]) -> bool:
    """Whether this is the quick way to be asked: a name, and our folders as they were registered."""
    rest = words[1:]
    plain = bool(words) and not words[0].startswith("-") and len(rest) % 2 == 0
    return plain and set(rest[::2]) <= {STATE_OPTION, CONFIG_OPTION}


def run(words: Sequence[str], environ: Mapping[str, str]) -> int:
    """`claude-local token NAME`: the key on standard output for whoever reads it, never for a terminal.

    Where there is none the marked key, and why on standard error: a helper that fails would have the request sent with
    no key at all, and a key of the marked kind tells what has happened. Exit 0 all the same, or Claude Code leaves it.
    """
    if sys.stdout.isatty():
        print("error: a key is not shown on a terminal", file=sys.stderr)
        print("hint: --reveal shows it", file=sys.stderr)
        return 2
    told = as_registered(words, environ) if CONFIG_OPTION in words else environ
    state_dir = state_dir_of(told)
    try:
        key = key_by_name(words[0], environ, os.path.dirname(config_file(told)))
    except ClaudeLocalError as error:
        return _without(words[0], state_dir, error)
    helper.forget_no_key(state_dir, os.getcwd())
    if key is None:  # its server wants none
        from claude_local_plugin.core.endpoint import PLACEHOLDER

        key = PLACEHOLDER
    print(key)
    return 0


def _without(name: str, state_dir: str, error: ClaudeLocalError) -> int:
    said = f"{error.message}: {error.hint}" if error.hint else error.message
    print(f"error: {said}", file=sys.stderr)
    try:
        helper.note_no_key(state_dir, name, os.getcwd(), said)
    except OSError as fault:
        print(f"error: the hook cannot be told: {fault.strerror}", file=sys.stderr)
    print(helper.NO_KEY)
    return 0
