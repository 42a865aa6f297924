"""Questions about `availableModels` and `deniedModels`: which names an entry stands for, and what takes their place."""

from collections.abc import Iterator, Mapping
from typing import Any

from claude_local_plugin.conformance.scenario import Scenario, Settings, url

#: Two sessions that start with different models: with an account that starts with Sonnet, with a token with Opus.
LOGIN = {"ANTHROPIC_BASE_URL": url("shell"), "CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"}
TOKEN = {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"}
SESSIONS = {"login": LOGIN, "token": TOKEN}

#: The variables that say what aliases stand for, each with a name that says nothing of a family.
TARGETS = {f"ANTHROPIC_DEFAULT_{name}_MODEL": f"my-{name[0].lower()}" for name in ("OPUS", "SONNET", "HAIKU", "FABLE")}

#: Entries of a list of allowed models, and the names that are asked for beside it.
ALLOWED: tuple[tuple[str, str], ...] = (
    ("sonnet", "my-sonnet my.sonnet my_sonnet sonnetx sonnet4 mysonnet x/sonnet SONNET-x sonnet:4 opus-sonnet"),
    ("sonnet", "us.anthropic.claude-sonnet-4-5-20250929-v1:0 claude-sonnet-4-5 opusplan"),
    ("fable", "my-fable fable best"),
    ("mythos", "mythos mythos-x claude-mythos-5-1"),
    ("qwen", "qwen qwen-3 qwen-3[1m] Qwen-3 qwen3 qwen.3 qwen:3 qwen_3 my-qwen"),
    ("Qwen", "qwen-3"),
    ("qwen-", "qwen-3"),
    ("x", "claude-x"),
    ("claude", "claude-x claude-opus-5-5 opus mine"),
    ("claude-opus", "claude-opus-5-5"),
    ("claude-opus-4", "claude-opus-4-5 claude-opus-4-0 my-claude-opus-4-5"),
    ("opus-4", "opus opus-4-x claude-opus-4-1 claude-opus-4-5"),
    ("claude-opus-5", "opus best"),
    ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
    ("best", "best opus claude-opus-5-5 best-x"),
    ("opusplan", "opusplan sonnet opusplan-x claude-opus-5-5"),
    ("opus", "best opusplan"),
    ("default", "default opus"),
    ("sonnet claude-sonnet-4-5", "sonnet opusplan sonnet-x claude-sonnet-5-5 claude-sonnet-4-5"),
    ("opus claude-opus-4-5", "best opus"),
    *((f"opus {other}", "opus-z") for other in ("opusplan", "opus[1m]", "opus-x", "my-opus", "myopus", "claude-opus")),
    *((f"opus {other}", "opus-z") for other in ("opusx", "opus_z", "opus:4")),
)
#: The same where the list is enforced.
ENFORCED: tuple[tuple[str, str], ...] = (
    ("", "mine"),
    ("qwen", "mine opus"),
    ("opus-4", "mine"),
    ("mythos", "mine"),
    ("claude", "mine"),
    ("haiku opus", "mine"),
    ("qwen haiku", "mine"),
    ("best", "mine"),
    ("opusplan", "mine"),
    ("opus claude-opus-4-5", "opus"),
    ("sonnet claude-sonnet-4-5", "opus"),
)
#: Denials, and the names that are asked for beside them.
DENIED: tuple[tuple[str, str], ...] = (
    ("opus", "opus opus-x my.opus opus4 myopus best us.anthropic.claude-opus-4-5-v1:0"),
    ("fable", "fable my-fable"),
    ("mythos", "mythos-x"),
    ("qwen", "qwen Qwen qwen-3"),
    ("Qwen", "qwen"),
    ("qwen-3", "qwen-3 qwen-3-30b"),
    ("glm-4.5", "glm-4.5"),
    ("q-3-x", "q-3-x"),
    ("q3-3b", "q3-3b"),
    ("opus-9", "opus-9 claude-opus-9-1"),
    ("opus-x", "opus-x opus-x-1"),
    ("claude-x", "claude-x claude-x-1"),
    ("claude", "claude-opus-4-5"),
    ("claude-opus", "claude-opus-4-5"),
    ("claude-opus-4", "claude-opus-4-5 claude-opus-45 opus-4-5"),
    ("opus-4-5", "claude-opus-4-5-20251101 my-claude-opus-4-5"),
    ("claude-opus-4-5-20251101", "claude-opus-4-5"),
    ("claude-opus-4-5", "claude-opus-4"),
    ("claude-opus-4-1", "claude-opus-4-1"),
    ("us.anthropic.claude-opus-5-5", "claude-opus-5-5 us.anthropic.claude-opus-5-5-v1:0"),
    ("claude-3-5-sonnet", "claude-3-5-sonnet-20241022"),
    ("best", "best opus"),
    ("opusplan", "opusplan"),
    ("claude-opus-5-5", "opus best claude-opus-5-5[1m]"),
    ("opus sonnet haiku", "mine fable"),
)
#: Denials that hit what a session starts with.
OF_THE_DEFAULT = (
    *("sonnet", "opus", "opus sonnet", "sonnet haiku", "opus sonnet haiku", "claude-sonnet-5-5", "claude-opus-5-5"),
    "sonnet claude-haiku-5-5",
)
#: Denials beside a list of the same administrator's, and whether that is enforced.
BOTH = (
    *(("opus", "qwen", False), ("opus", "haiku sonnet", False), ("opus", "fable", False), ("opus", "haiku", True)),
    *(("opus", "qwen", True), ("sonnet", "sonnet", True), ("sonnet", "opus sonnet", False)),
)
RENAMED = {"claude-opus-5-5": "mine"}


_LIST, _ENFORCE = {"availableModels": ["sonnet"]}, {"enforceAvailableModels": True}
#: Who lists and who enforces, where an administrator says something of it, or of something else, or nothing.
BESIDE_AN_ADMINISTRATOR: dict[str, dict[str, Settings]] = {
    **{f"{place}-alone": {place: _LIST | _ENFORCE} for place in ("managed", "user", "project", "local", "flag")},
    **{
        f"{place}-beside-others": {"managed": {"env": {"DISABLE_COMPACT": ""}}, place: _LIST | _ENFORCE}
        for place in ("user", "project", "local", "flag")
    },
    "user-beside-nothing": {"managed": {}, "user": _LIST | _ENFORCE},
    "managed-the-user-s-list": {"managed": _ENFORCE, "user": _LIST},
    "managed-a-project-s-list": {"managed": _ENFORCE, "project": _LIST},
    "user-the-managed-list": {"managed": _LIST, "user": _ENFORCE},
    "project-the-user-s-list": {"user": _LIST, "project": _ENFORCE},
    "user-and-managed": {"managed": _ENFORCE, "user": _LIST | _ENFORCE},
    "user-beside-the-managed-list": {"managed": _LIST, "user": _LIST | _ENFORCE},
}


def model_lists() -> Iterator[tuple[str, Scenario]]:
    """Every question with its name."""
    for entries, names in ALLOWED:
        for name in names.split():
            yield f"model-list/{entries}/{name}", _asked("user", LOGIN, name, availableModels=entries.split())
    for entries, names in ENFORCED:
        policy = {"availableModels": entries.split(), "enforceAvailableModels": True}
        for name in names.split():
            for who, session in SESSIONS.items():
                own = session | TARGETS
                yield f"model-list-enforced/{entries or 'none'}/{name}-{who}", _asked("user", own, name, **policy)
    for family in ("opus", "sonnet", "haiku", "fable"):
        variable = f"ANTHROPIC_DEFAULT_{family.upper()}_MODEL"
        for target in ("mine", f"my-{family}", f"{family}x", "claude-opus-4-5"):
            case = _asked("user", LOGIN | {variable: target}, family, availableModels=[family])
            yield f"model-list-target/{family}/{target}", case
    for entries, names in DENIED:
        for name in names.split():
            yield f"model-denied/{entries}/{name}", _asked("managed", LOGIN, name, deniedModels=entries.split())
    for entries in OF_THE_DEFAULT:
        for who, session in SESSIONS.items():
            yield f"model-denied-default/{entries}/{who}", _asked("managed", session, deniedModels=entries.split())
    for entries, target in (("my-o", "my-o"), ("opus", "my-o"), ("opus-x", "opus-x")):
        own = TOKEN | TARGETS | {"ANTHROPIC_DEFAULT_OPUS_MODEL": target}
        yield f"model-denied-default/{entries}/target", _asked("managed", own, deniedModels=entries.split())
    for chosen, entries in (("sonnet", "sonnet"), ("opus", "sonnet haiku"), ("start", "start")):
        own = LOGIN | {"ANTHROPIC_DEFAULT_MODEL": chosen}
        yield f"model-denied-default/{entries}/{chosen}-chosen", _asked("managed", own, deniedModels=entries.split())
    for denied, listed, enforced in BOTH:
        policy = {"deniedModels": denied.split(), "availableModels": listed.split(), "enforceAvailableModels": enforced}
        beside = f"{denied}/beside-{listed}{'-enforced' if enforced else ''}"
        for name in ("", "mine"):
            yield f"model-denied-and-listed/{beside}/{name or 'nobody'}", _asked("managed", TOKEN, name, **policy)
    for key in ("availableModels", "deniedModels"):
        for entry in ("mine", "opus", "claude-opus-5-5"):
            for name in ("mine", "opus"):
                policy = {key: [entry], "modelOverrides": RENAMED}
                yield f"model-list-renamed/{key}-{entry}/{name}", _asked("managed", LOGIN, name, **policy)
    joined: dict[str, Settings] = {
        "user": {"availableModels": ["sonnet"]},
        "project": {"availableModels": ["claude-sonnet-4-5"]},
    }
    yield "model-list/joined", Scenario(settings=joined, shell=LOGIN | {"ANTHROPIC_MODEL": "sonnet-x"})
    for name, settings in BESIDE_AN_ADMINISTRATOR.items():
        yield f"model-list-enforced-by/{name}", Scenario(settings=settings, shell=TOKEN | {"ANTHROPIC_MODEL": "opus"})


def _asked(place: str, session: Mapping[str, str], name: str = "", **policy: Any) -> Scenario:
    return Scenario(settings={place: policy}, shell={**session, **({"ANTHROPIC_MODEL": name} if name else {})})
