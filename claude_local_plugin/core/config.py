"""config.toml: the table of its keys, and what it says for hooks: one look at no file, else `config_file`."""

from claude_local_plugin.core import system as os
from claude_local_plugin.core.locations import CONFIG_FILE, config_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: How the name of a folder that is kept as a hash begins.
HASHED = "sha256:"

#: THE table of config.toml's keys: what hooks read, the commands' model, the JSON schema and the documentation are made
#: of it. Each row: its table ("" for the top, a trailing "*" for one of which there are many), the key, by which of
#: `config_rules.RULES` a value is judged and what that rule needs, the default, whether a wrong value would open what
#: was to be closed ("protection", "privacy": see `config_rules.strictest`), and what the key does.
#: A hook lives 2.8 s at most, so no probe may take longer than 2.5.
#: The prices are Anthropic's list prices for Claude Sonnet 5.5 without batch or priority discounts, a cache write being
#: one for five minutes and a cache read at the price since 2026-10-07
#: (https://platform.claude.com/docs/en/about-claude/pricing).
# fmt: off
KEYS = (
    ("", "on_dead_backend", "word", ("auto", "block", "warn"), "auto", "",
     ("What happens to a prompt while the server refuses connections: “block” stops it at once, “warn” lets Claude"
      " Code try for itself, “auto” blocks where a person sees it and warns in `claude -p` and SDKs, which would take"
      " a blocked prompt for an answer.")),
    ("", "probe_deadline_s", "number", (0.1, 2.5), 1.0, "",
     ("How many seconds a session hook may take to ask the server, in all. A hook lives 2.8 seconds at most, hence"
      " the limit.")),
    ("", "recheck_after_s", "number", (0.0, 86400.0), 30.0, "",
     "For how many seconds a good answer of the server holds before a prompt asks it again."),
    ("", "warm_up", "switch", (), False, "",
     "Whether the start of a session sends the server one tiny request, without waiting for it."),
    ("", "down_command", "argv", (), (), "",
     ("A command that is run, without waiting for it, when the server is down, at most once a minute; a text is taken"
      " apart as a shell would, but no shell runs it.")),
    ("", "protect", "switch", (), False, "protection",
     ("Whether a change of Claude Code's settings that leads a session away from its backend, or from those allowed,"
      " is refused.")),
    ("", "allowed_backends", "backends", (), (), "protection",
     ("The backends that sessions may use: URLs, and “cloud” for all of the cloud or a kind of it (“anthropic”,"
      " “bedrock”, …); a proxy's URL or `unix:/path` of a socket that requests may go through. Empty: nothing is said"
      " about that.")),
    ("log", "cwd", "word", ("full", "hash", "off"), "full", "privacy",
     "How a session's folder is logged: as it is, as a hash, or not at all."),
    ("log", "project", "word", ("full", "hash", "off"), "full", "privacy", "The same for the project's folder."),
    ("log", "retention_days", "whole", (0, 36500), 0, "",
     ("After how many days sessions are taken out of the log; 0 keeps them for ever. What is still to be sent to"
      " `log.push` stays.")),
    ("log", "journal_days", "whole", (0, 36500), 30, "",
     ("After how many days the journals of ended sessions are removed, of which a damaged log is made anew; 0 keeps"
      " them for ever.")),
    ("log", "push", "destination", (), "", "",
     ("Where the log is sent after each import: `postgresql://…`, a team's database, or the http(s) URL of an"
      " OpenTelemetry receiver; without a password, which has its own places. Empty: nowhere.")),
    ("log", "push_cwd", "word", ("full", "hash", "off"), "off", "privacy",
     "How a session's folder leaves then: as it is, as a hash with the team's salt, or not at all."),
    ("log", "push_project", "word", ("full", "hash", "off"), "full", "privacy", "The same for the project's folder."),
    ("log", "push_host", "word", ("full", "hash", "off"), "full", "privacy", "The same for the name of this machine."),
    ("log", "push_user", "word", ("full", "hash", "off"), "full", "privacy", "The same for whoever works here."),
    ("log", "push_name", "text", (0, 200), "", "",
     "What whoever works here is called there; empty: the name of the login."),
    ("log", "push_salt", "text", (0, 200), "", "",
     ("The team's salt for hashes, at least 16 characters and the same on every machine, so that what is the same has"
      " the same hash; CLAUDE_LOCAL_TEAM_SALT in the environment goes before it.")),
    ("log", "push_since", "day", (), "", "",
     "A day (2026-11-01): sessions that were last active before it do not leave. Empty: all of them do."),
    ("prices", "input", "number", (0, 1_000_000), 2.0, "", "A million input tokens that are not cached."),
    ("prices", "output", "number", (0, 1_000_000), 10.0, "", "A million output tokens."),
    ("prices", "cache_read", "number", (0, 1_000_000), 0.1, "", "A million input tokens read from the cache."),
    ("prices", "cache_write", "number", (0, 1_000_000), 2.5, "", "A million input tokens written to the cache."),
    ("prices", "currency", "name", (1, 8), "USD", "", "The currency of these prices."),
    ("projects.*", "protect", "switch", (), None, "protection", "`protect` in this folder."),
    ("projects.*", "allowed_backends", "backends", (), None, "protection", "`allowed_backends` in this folder."),
    ("profiles.*", "url", "url", (), None, "", "The server's address, without /v1."),
    ("profiles.*", "model", "text", (1, 300), None, "", "The served model; not needed where the server serves one."),
    ("profiles.*", "opus", "text", (1, 300), None, "", "The model behind the alias `opus`; `model` where not set."),
    ("profiles.*", "sonnet", "text", (1, 300), None, "", "The same for `sonnet`."),
    ("profiles.*", "haiku", "text", (1, 300), None, "", "The same for `haiku`, which also does the small jobs."),
    ("profiles.*", "fable", "text", (1, 300), None, "", "The same for `fable`."),
    ("profiles.*", "subagent", "text", (1, 300), None, "", "The model of subagents; else that of the session."),
    ("profiles.*", "kind", "text", (1, 60), None, "",
     "What the server is (`vllm`, `ollama`, …), where it cannot be asked; by default it is asked."),
    ("profiles.*", "token", "token", (), None, "",
     ("Where the server's key is: `none`, `env:NAME` (a variable of the shell), `keyring` (the system's, by the extra"
      " `keyring`) or `file` (one of our own that nobody else may read).")),
    ("profiles.*", "helper", "switch", (), None, "",
     ("Whether Claude Code asks `claude-local token` for the key at each start, instead of reading it in its settings"
      " file.")),
    ("profiles.*", "headers", "texts", (), None, "", "Headers for every request, each `NAME=VALUE`; no secrets."),
    ("profiles.*", "headers_env", "texts", (), None, "", "Headers whose value is in a variable, each `NAME=VARIABLE`."),
    ("profiles.*", "window", "whole", (1, 20_000_000), None, "",
     "The window in tokens, where the server does not say, or a smaller one than it has."),
    ("profiles.*", "max_output", "whole", (1, 1_000_000), None, "", "The longest answer in tokens."),
    ("profiles.*", "api_timeout_ms", "whole", (1_000, 86_400_000), None, "",
     "How long a request may take, in milliseconds; `bench --apply` measures it."),
    ("profiles.*", "stream_idle_timeout_ms", "whole", (1_000, 1_800_000), None, "",
     "How long an answer may be silent, in milliseconds; `bench --apply` measures it."),
    ("profiles.*", "max_retries", "whole", (0, 15), None, "", "How often a failed request is tried again."),
    ("profiles.*", "privacy", "word", ("default", "quiet", "airgap"), None, "",
     "What may still leave the machine besides the model's requests: see `claude-local privacy`."),
    ("profiles.*", "system_prompt", "word", ("full", "lean"), None, "", "Which of Claude Code's system prompts."),
    ("profiles.*", "env", "variables", (), None, "", "Further variables for sessions on this server."),
    ("profiles.*", "start_command", "argv", (), None, "",
     "The command that starts the server; shown where it is down, and never run unasked."),
    ("profiles.*", "fallback", "texts", (), None, "",
     ("The profiles that are taken instead while this one is down, in this order: by `run`, and for a prompt of a"
      " person's session, which never goes to the cloud; `cloud` for Anthropic's API.")),
)
# fmt: on
#: Tables that only commands have a use for.
NOT_FOR_HOOKS = ("prices", "profiles.*")

#: How the entry point of a session begins that a program has started: `claude -p`, an SDK.
PROGRAM = "sdk-"
#: Settings of which no path is logged: what holds while nobody has read what the user wants.
UNREAD: "Mapping[str, Any]" = {"log": {"cwd": "off", "project": "off"}}


class Protection:
    """What holds in one folder: `protect`, and `allowed_backends`, each a URL as `Target.url` spells it or of CLOUDS.

    An empty list says nothing about which backends are allowed.
    """

    __slots__ = ("allowed_backends", "protect")

    def __init__(self, protect: bool, allowed_backends: "tuple[str, ...]") -> None:
        self.protect = protect
        self.allowed_backends = allowed_backends

    def forbids(self, kind: str, url: "str | None") -> bool:
        """Whether no session here may use this backend; none is forbidden where nobody has said which are allowed."""
        if not (self.protect and self.allowed_backends):
            return False
        from claude_local_plugin.core.protection import is_allowed

        return not is_allowed(kind, url, self.allowed_backends)

    def blocked(self, kind: str, url: "str | None", folder: str) -> "tuple[str, str] | None":
        """Why each prompt in this folder is blocked on this backend, and the command that allows it, else None."""
        if not self.forbids(kind, url):
            return None
        from claude_local_plugin.core.protection import off_list

        return off_list(self.allowed_backends, kind, url, folder)

    def forbids_way(self, via: "str | None") -> bool:
        """Whether no session here may go this way where the project's own settings choose it; see `protect`."""
        if not self.protect:
            return False
        from claude_local_plugin.core.protection import is_way_allowed

        return not is_way_allowed(via, self.allowed_backends)


class Config:
    """The settings as hooks use them; `settings` is what `understood` makes of a file, defaults fill the rest.

    An attribute for each key of the top and of `log`: `warm_up`, `log_cwd`.
    """

    __slots__ = (
        "_settings",
        "_state_dir",
        *(f"{row[0]}_{row[1]}".lstrip("_") for row in KEYS if row[0] in ("", "log")),
    )

    def __init__(self, state_dir: str, settings: "Mapping[str, Any]") -> None:
        self._state_dir = state_dir
        self._settings = settings
        log = settings.get("log", {})
        for table, key, _, _, default, _, _ in KEYS:
            if table in ("", "log"):
                value = (log if table else settings).get(key, default)
                setattr(self, f"{table}_{key}".lstrip("_"), tuple(value) if isinstance(value, list) else value)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> "Any": ...

    def warns(self, entrypoint: str) -> bool:
        """Whether a prompt for a dead server is let through with a warning in a session of this entry point.

        A program would take a blocked prompt for an answer: it ends with exit code 0, whatever form the refusal has
        (observed on Claude Code 2.1.329 to 2.1.332). Let through, it fails in Claude Code's own way.
        """
        held: str = self.on_dead_backend
        return held == "warn" or (held == "auto" and entrypoint.startswith(PROGRAM))

    @property
    def names(self) -> "list[str]":
        """The folders that something is said of in particular, as they are written."""
        return list(self._settings.get("projects", {}))

    @property
    def is_unread(self) -> bool:
        """Whether this is what holds while nobody has read the file."""
        return self._settings is UNREAD

    def for_project(self, folder: "str | None") -> Protection:
        """What holds in a folder: each key from the nearest folder around it that sets it, else from the top level.

        Links are followed on both sides; None is no folder in particular.
        """
        held = dict(self._settings)
        for name in self.around(folder):
            held.update(self._settings["projects"][name])
        return Protection(held.get("protect", False), tuple(held.get("allowed_backends", ())))

    def around(self, folder: "str | None") -> "list[str]":
        """The names in `projects` of the folders around this one, the nearest last."""
        if folder is None:
            return []
        here = real_folder(folder)
        around = [(real_folder(name), name) for name in self._settings.get("projects", {})]
        return [name for real, name in sorted(around, key=lambda each: len(each[0])) if holds(real, here)]

    def logged(self, how: str, path: "str | None") -> "str | None":
        """The path as it may be stored, `how` being "full", "hash" or "off".

        A hash is `sha256:` and 16 hexadecimal digits. It is the same each time on this machine and cannot be guessed
        from a list of likely paths, for a random salt goes into it; without one (no disk to keep it on) the path
        is left out.
        """
        if how == "full" or path is None:
            return path
        if how != "hash":
            return None
        from claude_local_plugin.core.config_file import salt as salt_of
        from claude_local_plugin.core.digest import hexadecimal

        salt = salt_of(self._state_dir)
        if salt is None:
            return None
        return HASHED + hexadecimal(salt + path.encode("utf-8", "surrogatepass"))[:16]


def load(state_dir: str, environ: "Mapping[str, str]") -> Config:
    """The settings of this machine; raises nothing, since no session may suffer for a wrong line in a file.

    A value that cannot be used counts as not set, or as `strictest` says for a key that guards something. While the
    file as a whole cannot be read (no TOML, no permission, a Python without a TOML reader) what it said when it last
    could be read goes on to hold, protection included; if it never could, the defaults do, and nothing is protected.
    Each of these goes into the log of faults once for each change of the file. A file that is gone says nothing.
    """
    try:
        path = config_file(environ)
        try:
            stamp = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return Config(state_dir, {})
        except OSError as fault:  # there may be one behind a folder that we may not enter
            return _read(state_dir, path, f"errno {fault.errno}")
        return _read(state_dir, path, stamp)
    except Exception as fault:  # whatever it is, the session goes on with the defaults
        from claude_local_plugin.core.faults import note_fault

        note_fault(state_dir, f"{CONFIG_FILE} cannot be used: {type(fault).__name__}")
        return Config(state_dir, {})


def _read(state_dir: str, path: str, stamp: "os.stat_result | str") -> Config:
    from claude_local_plugin.core import config_file as reading

    return Config(state_dir, reading.read(for_hooks(), state_dir, path, stamp))


def for_hooks() -> "list[tuple[Any, ...]]":
    """The rows of the table that hooks have a use for."""
    return [row for row in KEYS if row[0] not in NOT_FOR_HOOKS]


def understood(data: "Mapping[str, Any]") -> "tuple[dict[str, Any], list[str]]":
    """What hooks can use of a file's data, and what is wrong with it: see `config_rules`."""
    from claude_local_plugin.core import config_rules

    return config_rules.understood(for_hooks(), data)


def look(state_dir: str, environ: "Mapping[str, str]") -> Config:
    """The settings as `load` gives them, for a command that is to write nothing."""
    from claude_local_plugin.core import config_file as reading

    return Config(state_dir, reading.look(for_hooks(), state_dir, config_file(environ)))


def refresh(state_dir: str, environ: "Mapping[str, str]") -> Config:
    """The settings read from the file itself, and kept for the hooks: for whoever has just changed it."""
    from claude_local_plugin.core import config_file as reading

    return Config(state_dir, reading.refresh(for_hooks(), state_dir, config_file(environ)))


def real_folder(path: str) -> str:
    """The folder that a path means, links followed, in one spelling."""
    try:
        return os.path.normcase(os.path.realpath(os.path.expanduser(path)))
    except (OSError, ValueError):  # links in a circle, or bytes that no path has: then it is only itself
        return os.path.normcase(path)


def holds(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep)
