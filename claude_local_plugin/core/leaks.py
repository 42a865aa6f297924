"""Which credentials a session sends to a server they were not meant for, and what a repository decided about it.

The environment of a hook holds the values that count, and the settings files say who set them: what no file sets was
exported in the shell. Two things hooks are not shown are told from what is left: `--settings`, which counts as the
shell here, and CLAUDE_CODE_OAUTH_TOKEN (all observed on Claude Code 2.1.329).
"""

import sys

from claude_local_plugin.core import system as os
from claude_local_plugin.core.claude import (
    custom_headers,
    is_anthropics,
    is_hosted,
    is_on,
    login_folder,
    secret_headers,
)
from claude_local_plugin.core.endpoint import PLACEHOLDER, PROVIDERS, is_foreign, sent_to
from claude_local_plugin.core.files import MOST_SETTINGS, opened
from claude_local_plugin.core.places import managed_default
from claude_local_plugin.core.session_settings import (
    PROJECT_SCOPES,
    SHELL,
    SessionSettings,
    Source,
    object_of,
    outside,
    read,
)
from claude_local_plugin.core.shell import command
from claude_local_plugin.core.text import clean
from claude_local_plugin.core.urls import parse_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from claude_local_plugin.core.endpoint import Backend

#: `~/.claude.json` grows with every project; no more of it than this is searched, this much at a time: pieces that fit
#: a processor's cache cost half of what the whole at once does.
MOST_STATE_BYTES = 8 * 1024 * 1024
PIECE_BYTES = 65536


#: Logins that Anthropic's own library finds; with a saved Console key they are left aside.
EXCHANGED, PROFILE = "exchanged identity token", "login profile"
BY_ANTHROPICS_LIBRARY = (EXCHANGED, PROFILE)

#: A session that leaves the repository's own settings out.
WITHOUT_PROJECT = command("claude", "--setting-sources", "user,local")


class Findings:
    """What was found: `facts` for people, one line each, `marks` for the log, and the `fix` to type (or "")."""

    __slots__ = ("facts", "fix", "marks")

    def __init__(self, facts: "list[str]", marks: "list[str]", fix: str) -> None:
        self.facts = facts
        self.marks = marks
        self.fix = fix

    @property
    def message(self) -> str:
        """All facts, a line each, and the fix behind the last one; "" where there is nothing to say."""
        if not self.facts:
            return ""
        return "\n".join(f"! {fact}" for fact in self.facts) + f". {self.fix}"


class Credential:
    """A credential that is sent: its `name` for the log, what people call it, who set it, and its value if known.

    `source` is None for what Claude Code keeps itself, such as a login.
    """

    __slots__ = ("called", "name", "source", "value")

    def __init__(self, name: str, called: str, source: "Source | None", value: str = "") -> None:
        self.name = name
        self.called = called
        self.source = source
        self.value = value


def look(
    environ: "Mapping[str, str]",
    backend: "Backend",
    folder: str,
    state_dir: str = "",
    managed_dir: "str | None" = None,
) -> Findings:
    """What is wrong with a session of this environment that was started in `folder` and talks to an own server.

    `state_dir` is where `enable` keeps its records: a project's file that it wrote on this machine is no surprise.
    """
    world = SessionSettings(environ, folder, managed_dir or managed_default())
    at_provider = is_foreign(backend.kind, backend.url)
    address = next((name for _, kind, name in PROVIDERS if kind == backend.kind), "ANTHROPIC_BASE_URL")
    endpoint, helper = world.source_of(address), world.helper()
    sent = _sent_to_a_provider(world, helper, backend.kind) if at_provider else _sent(world, helper)
    leaks = [credential for credential in sent if _is_leak(credential, endpoint)]
    facts = [f"{leak.called} is sent there too" for leak in leaks]
    marks = [f"leak: {leak.name} ({leak.source.place})" if leak.source else f"leak: {leak.name}" for leak in leaks]
    decided = _decided(world, endpoint, helper, backend, state_dir)
    if decided:
        facts.insert(0, f"this {'repository' if world.in_git else 'project'}'s .claude/settings.json {decided}")
        marks.insert(0, f".claude/settings.json {decided}")
    fix = _fix(leaks, endpoint, decided, backend)
    if at_provider and leaks and fix.startswith("Stop it"):
        fix = f"Take {address} ({endpoint.place}) away, or what is sent there"
    return Findings([clean(fact) for fact in facts], [clean(mark, 200) for mark in marks], fix)


def carried(environ: "Mapping[str, str]", folder: str, managed_dir: "str | None" = None) -> "list[str]":
    """What people call the credentials that a session of this environment sends, whoever gets them."""
    world = SessionSettings(environ, folder, managed_dir or managed_default())
    return [clean(each.called) for each in _sent(world, world.helper()) if each.value != PLACEHOLDER]


# --- what is sent, and whose it is
#
# precedence/credentials.py has the same order of sources, for whole snapshots and with the reason of every loser. A
# hook sees an environment whose values are settled, and walks it in milliseconds. What holds the two together is
# tests/precedence/test_hooks_agree.py.


def _sent(world: SessionSettings, helper: "Source | None") -> "Iterator[Credential]":
    """Every credential the session's requests carry.

    `Authorization` is the token, else the helper's output, else a custom header, else a login; `x-api-key` a custom
    header, even an empty one, else the key, else the helper's output, else the saved Console key. With a token, a key
    or a helper no login is sent, and with a login no Console key. Where a program that starts Claude Code does the
    routing nothing of a helper's, and nothing that is saved, is sent (2.1.332).
    """
    token, key = (world.environ.get(f"ANTHROPIC_{name}", "").strip() for name in ("AUTH_TOKEN", "API_KEY"))
    if world.gateway:  # it is sent the token alone
        token, key, helper = outside(world, "ANTHROPIC_AUTH_TOKEN"), "", None
    headers = custom_headers(world.environ.get("ANTHROPIC_CUSTOM_HEADERS", ""))
    if token:
        yield _variable(world, "ANTHROPIC_AUTH_TOKEN", token)
    if key and "x-api-key" not in headers:
        yield _variable(world, "ANTHROPIC_API_KEY", key)
    hosted = is_hosted(world.environ)
    if helper is not None and not hosted and not (token and (key or "x-api-key" in headers)):
        yield _helped(helper)
    for name in secret_headers(headers):
        idle = name == "authorization" and (token or (helper and not hosted))
        ours = name == "x-api-key" and headers[name] in (PLACEHOLDER, token)
        if not idle and not ours:
            yield _header(world, name, headers[name])
    # a simple session looks at nothing that is saved
    if not (is_on(world.environ.get("CLAUDE_CODE_SIMPLE")) or world.gateway or hosted):
        explicit = bool(token or key or helper)
        yield from _saved(world, explicit, "authorization" in headers, "x-api-key" in headers or bool(key or helper))


def _sent_to_a_provider(world: SessionSettings, helper: "Source | None", kind: str) -> "Iterator[Credential]":
    """What a cloud provider is sent at an address of somebody else: its own credential, and custom headers.

    Told to do without a sign-in of its own, it is sent the token, the key or the helper's output (2.1.332).
    """
    for name in sent_to(kind, world.environ):
        if name != "apiKeyHelper":
            yield _variable(world, name, world.environ[name].strip())
        elif helper is not None:
            yield _helped(helper)
    headers = custom_headers(world.environ.get("ANTHROPIC_CUSTOM_HEADERS", ""))
    for name in secret_headers(headers):
        if name != "authorization":
            yield _header(world, name, headers[name])


def _helped(helper: Source) -> Credential:
    return Credential("apiKeyHelper", f"the output of apiKeyHelper (in {helper.place})", helper)


def _header(world: SessionSettings, name: str, value: str) -> Credential:
    """What a custom header carries."""
    found, name = _variable(world, "ANTHROPIC_CUSTOM_HEADERS", value), clean(name, 60)
    return Credential(f"{name} in {found.name}", f"{name} in {found.called}", found.source, value)


def _saved(world: SessionSettings, explicit: bool, no_login: bool, no_key: bool) -> "Iterator[Credential]":
    """The login or the Console key, whichever is sent; `no_login` and `no_key` say that its header is taken."""
    login = None if explicit else _login(world)
    if login is not None and login.name in BY_ANTHROPICS_LIBRARY and _has_console_key(world):
        login = None  # the saved Console key serves in its place
    if login is not None:
        if not no_login or login.name in BY_ANTHROPICS_LIBRARY:  # which sets the header after custom ones
            yield login
    elif not no_key and _has_console_key(world):
        # a login that is not shown to hooks would be sent in its place
        instead = "" if explicit else " or, where it is set, CLAUDE_CODE_OAUTH_TOKEN"
        yield Credential("saved Console key", f"your saved Console key (in .claude.json){instead}", None)
    elif (
        not explicit
        and not no_login
        and not custom_headers(world.environ.get("ANTHROPIC_CUSTOM_HEADERS", "")).get("x-api-key")
    ):
        # a session with nothing else can only work with a login that is not shown to hooks
        unseen = "CLAUDE_CODE_OAUTH_TOKEN" + (" or the Keychain" if sys.platform == "darwin" else "")
        yield Credential("a login, if there is one", f"no key or token is set: any login of yours ({unseen})", None)


def _is_leak(credential: Credential, endpoint: Source) -> bool:
    """Whether the credential was set by another than whoever set the endpoint, or is Anthropic's anyway."""
    if credential.value == PLACEHOLDER:
        return False
    return is_anthropics(credential.value) or credential.source is not endpoint


def _variable(world: SessionSettings, name: str, value: str) -> Credential:
    source = world.source_of(name)
    return Credential(name, f"your {name} ({'' if source is SHELL else 'in '}{source.place})", source, value)


def _login(world: SessionSettings) -> "Credential | None":
    """The login that would serve, as far as it can be seen: in a settings file, the login file, or a login profile."""
    name = "CLAUDE_CODE_OAUTH_TOKEN"
    for file in world.files:
        if file.scope in ("managed", "user") and file.env.get(name):  # Claude Code takes it from no project's file
            return Credential(name, f"your claude.ai login ({name} in {file.place})", None)
    from claude_local_plugin.core import (
        credential_profiles,  # a session with a key or a token of its own needs none of them
    )

    chosen = _settled_early(world, credential_profiles.NAME)
    if not chosen and all(_settled_early(world, each) for each in credential_profiles.FEDERATION):
        if credential_profiles.not_exchanged((credential_profiles.IDENTITY,), world.environ):
            return None  # no request is sent
        token = _variable(world, credential_profiles.FEDERATION[0], "")
        called = token.called.replace("your ", "your identity token, and what it is exchanged for, by way of ", 1)
        return Credential(EXCHANGED, called, token.source)
    name, folder = credential_profiles.NAME, credential_profiles.store(world.home, world.environ)
    found = credential_profiles.in_use(folder, chosen, outside(world, name))
    elsewhere = credential_profiles.leads_elsewhere
    unasked = found is None or (elsewhere(_address(world)) and not credential_profiles.is_served(found))
    if unasked or elsewhere(_address(world, _AFTER_SERVED)):  # else it is settled early, too, which profile it is
        found = credential_profiles.in_use(folder, chosen, world.environ.get(name))
    if found is None or found.problem is not None:
        return _claude_login(world)
    first = found.data["before_login"]
    if credential_profiles.problem_of(found.data, world.environ):
        return None if first else _claude_login(world)  # with it no request is sent
    called = f"the token of your login profile (in {world.short(found.path)})"
    profile = Credential(PROFILE, called, None)
    return profile if first else _claude_login(world) or profile


def _claude_login(world: SessionSettings) -> "Credential | None":
    """The claude.ai login in the login file, which a variable may have moved elsewhere."""
    path = os.path.join(login_folder(world.config, world.home, world.folder, world.environ), ".credentials.json")
    login = object_of(read(path, MOST_SETTINGS)).get("claudeAiOauth")
    if not isinstance(login, dict) or not login.get("accessToken"):
        return None
    scopes = login.get("scopes")
    if not isinstance(scopes, list) or "user:inference" not in scopes:
        return None  # such a login is not sent
    return Credential("claude.ai login", f"your claude.ai login (in {world.short(path)})", None)


def _has_console_key(world: SessionSettings) -> bool:
    """Whether a Console key is saved in Claude Code's state file; only a file with the word in it is parsed."""
    path = os.path.join(world.config, ".config.json")
    if not os.path.exists(path):
        path = os.path.join(world.config if "CLAUDE_CONFIG_DIR" in world.environ else world.home, ".claude.json")
    if not _has_word(path, b'"primaryApiKey"'):
        return False
    state = object_of(read(path, MOST_SETTINGS))
    # of a file that is too large to be parsed here the word alone says enough
    return not state or bool(state.get("primaryApiKey"))


# --- what a project's own settings decide, and what to do


def _decided(
    world: SessionSettings, endpoint: Source, helper: "Source | None", backend: "Backend", state_dir: str
) -> str:
    """What the project's own settings do, in words, or "" where they decide nothing or are written by us.

    Claude Code runs a helper even where its output is not sent.
    """
    told = []
    target = backend.target or parse_url(backend.url or "")
    if endpoint.scope == "project":
        told.append(f"sends sessions to {target.label if target else 'its server'}")
    if helper is not None and helper.scope == "project":
        told.append("runs a helper for the key")
    if not told or _is_written_by_us(os.path.join(world.folder, ".claude", "settings.json"), state_dir):
        return ""
    return " and ".join(told)


def _is_written_by_us(path: str, state_dir: str) -> bool:
    """Whether the file is just as `enable --scope project` on this machine left it.

    Records are named after the files and hold the SHA-256 of what was left there; after a pull the file may send
    sessions elsewhere.
    """
    if not state_dir:
        return False
    from claude_local_plugin.core.digest import hexadecimal  # repositories that decide such things are rare

    name = hexadecimal(os.fsencode(os.path.realpath(path)))
    record = read(os.path.join(state_dir, "ownership", f"{name}.json"), MOST_SETTINGS)
    text = read(path, MOST_SETTINGS)
    return bool(record and text) and hexadecimal(text or b"").encode() in (record or b"")


def _fix(leaks: "Sequence[Credential]", endpoint: Source, decided: str, backend: "Backend") -> str:
    """What to type; an administrator's settings can only be changed by the administrator."""
    managed = [leak for leak in leaks if leak.source is not None and leak.source.scope == "managed"]
    if managed or (leaks and endpoint.scope == "managed"):
        return "Ask whoever manages this machine's settings"
    if decided:
        return f"Leave that file out: {WITHOUT_PROJECT}"
    return f"Stop it: {command('claude-local', 'enable', '--url', backend.url or '')}"


# --- the files


def _has_word(path: str, word: bytes) -> bool:
    """Whether the word stands in the first MOST_STATE_BYTES of a file."""
    try:
        file = opened(path)
        try:
            end = b""
            for _ in range(MOST_STATE_BYTES // PIECE_BYTES):
                piece = os.read(file, PIECE_BYTES)
                if word in end + piece:
                    return True
                if not piece:
                    break
                end = piece[-len(word) :]
            return False
        finally:
            os.close(file)
    except (OSError, ValueError):  # as above
        return False


#: The scopes that are read after it is settled whether server-managed settings are asked for.
_AFTER_SERVED = (*PROJECT_SCOPES, "managed")


def _settled_early(world: SessionSettings, name: str) -> str:
    """The variable's value where Claude Code settles whether there is a login of its library's kind."""
    from claude_local_plugin.core.credential_profiles import asks_administrator

    if asks_administrator(_address(world, _AFTER_SERVED), world.client_version):
        return outside(world, name)
    return outside(world, name, _AFTER_SERVED)


def _address(world: SessionSettings, without: "tuple[str, ...]" = PROJECT_SCOPES) -> str:
    return outside(world, "ANTHROPIC_BASE_URL", without)
