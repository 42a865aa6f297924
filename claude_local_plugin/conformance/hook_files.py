"""Hooks that Claude Code cannot load, each wrong in one place: some cost their entry, some the whole file.

Three files a question: the local one sets the endpoint, the project's the token and the user's the model, so that the
request tells of each whether it was dropped.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from claude_local_plugin.conformance.scenario import Scenario, Settings, url

#: Every event of the newest client, and names that are none.
EVENTS = (
    *("PreToolUse", "PermissionRequest", "PreSkillShellCommand", "PostToolUse", "PostToolUseFailure", "PostToolBatch"),
    *("Notification", "UserPromptSubmit", "UserPromptExpansion", "SessionStart", "SessionEnd", "Stop", "StopFailure"),
    *("SubagentStart", "SubagentStop", "PreCompact", "PostCompact", "PreModelSwitch", "PostModelSwitch"),
    *("PermissionDenied", "Setup", "TeammateIdle", "TaskCreated", "TaskCompleted", "Elicitation", "ElicitationResult"),
    *("ConfigChange", "WorktreeCreate", "WorktreeRemove", "InstructionsLoaded", "CwdChanged", "FileChanged"),
    *("DirectoryAdded", "MessageDisplay", "NoSuchEvent", "preToolUse"),
)
#: Events for which everything is asked: those that guard, and two that do not.
CLOSELY = ("PreToolUse", "PermissionRequest", "PreSkillShellCommand", "Stop", "SessionStart")

#: A value of every JSON type, the empty ones too.
VALUES: tuple[Any, ...] = (None, True, 5, 1.5, "", "x", [], [1], {}, {"x": 1})
FEW: tuple[Any, ...] = (None, 5, "x", [], {})
FINE = {"type": "command", "command": "true"}
HANDLERS: dict[str, dict[str, Any]] = {
    "command": FINE,
    "http": {"type": "http", "url": "http://127.0.0.1:9/x"},
    "prompt": {"type": "prompt", "prompt": "x"},
    "agent": {"type": "agent", "prompt": "x"},
    "mcp_tool": {"type": "mcp_tool", "server": "s", "tool": "t"},
}
#: Fields of a hook that have a type to be wrong; more than its kind knows are harmless.
FIELDS = {
    "command": (
        "command args shell async asyncRewake rewakeMessage rewakeSummary onFailure if timeout statusMessage once"
    ),
    "http": "url headers allowedEnvVars onFailure async if timeout statusMessage once",
    "prompt": "prompt model continueOnBlock onFailure if timeout statusMessage once",
    "agent": "prompt model onFailure if timeout statusMessage once",
    "mcp_tool": "server tool input onFailure if timeout statusMessage once",
}

#: The three places, and what each sets.
PLACES = (
    ("local", {"ANTHROPIC_BASE_URL": url("local")}),
    ("project", {"ANTHROPIC_AUTH_TOKEN": "token-project"}),
    ("user", {"ANTHROPIC_MODEL": "model-user"}),
)
SHELL = {
    "ANTHROPIC_BASE_URL": url("shell"),
    "ANTHROPIC_AUTH_TOKEN": "token-shell",
    "ANTHROPIC_MODEL": "model-shell",
}


def hook_files(*, thorough: bool) -> Iterator[tuple[str, Scenario]]:
    """Name -> scenario: the cross of events and malformations; the ordinary set has one value per place and type."""
    ordinary = dict(_rows(thorough=False))
    yield from _three_by_three(ordinary)
    if thorough:
        yield from _three_by_three({name: block for name, block in _rows(thorough=True) if name not in ordinary})
    yield from _in_other_places()


def _three_by_three(rows: Mapping[str, object]) -> Iterator[tuple[str, Scenario]]:
    for place in range(0, len(rows), len(PLACES)):
        names = list(rows)[place : place + len(PLACES)]
        settings: dict[str, Settings] = {
            file: {"env": env, "hooks": rows[name]} for (file, env), name in zip(PLACES, names, strict=False)
        }
        yield "hooks/" + "+".join(names), Scenario(settings=settings, shell=SHELL)


def _rows(*, thorough: bool) -> Iterator[tuple[str, object]]:
    """Every `hooks` block to ask about, by name."""
    yield from _blocks(thorough)
    yield from _misplaced()
    for event in EVENTS:
        yield from _event(event, closely=event in CLOSELY, thorough=thorough)


def _blocks(thorough: bool) -> Iterator[tuple[str, object]]:
    """`hooks` itself of every type."""
    for value in VALUES:
        yield f"block={value}", value
    lists: tuple[list[Any], ...] = ([{}], [None, {}], [[]], [[{}]], [{"PreToolUse": []}], [[{"PreToolUse": []}]])
    for value in (*lists, [[{"PreToolUse": 5}]], _nested(62, 1), _nested(63, 1), _nested(64, 1)):
        yield f"block={_short(value)}", value
    if thorough:
        for value in (
            [["x"]],
            [[1, [{"PermissionRequest": 5}]]],
            [FINE],
            [{"hooks": [FINE]}],
            _nested(40, {"Stop": 5}),
        ):
            yield f"block={_short(value)}", value


def _misplaced() -> Iterator[tuple[str, object]]:
    """Hooks of a guarding event below another one, as deep as they are found and one deeper."""
    for event in ("Stop", "NoSuchEvent", "PreToolUse"):
        for levels in range(6):
            yield f"{event}/guard-{levels}-lists-down", {event: _nested(levels, {"PreToolUse": 5})}
            yield f"{event}/guard-{levels}-objects-down", {event: _nested(levels, {"PreToolUse": 5}, "a")}
    nothing: tuple[Any, ...] = (None, [], {}, "", False, [[]])
    for value in nothing:
        yield f"Stop/guard={value}", {"Stop": [{"hooks": [FINE], "PermissionRequest": value}]}
    yield "Stop/guard-in-hook", {"Stop": [{"hooks": [FINE | {"PreToolUse": [1]}]}]}
    yield "hooks-in-hooks", {"hooks": {"PreToolUse": [{"hooks": [FINE]}]}}


def _event(event: str, *, closely: bool, thorough: bool) -> Iterator[tuple[str, object]]:
    """One event with a flaw in each place where one can be."""
    yield f"{event}/command-in-group", {event: [{"matcher": "Bash", "command": "./guard.sh"}]}
    if not closely and not thorough:
        return
    first = event == CLOSELY[0]
    values = VALUES if first or (thorough and closely) else FEW if closely else (5, {})
    for value in values:
        yield f"{event}={value}", {event: value}
        yield f"{event}/group={value}", {event: [value]}
        yield f"{event}/matcher={value}", {event: [{"matcher": value, "hooks": [FINE]}]}
        yield f"{event}/hooks={value}", {event: [{"matcher": "Bash", "hooks": value}]}
        yield f"{event}/hook={value}", {event: [{"hooks": [value]}]}
        yield f"{event}/type={value}", {event: [{"hooks": [FINE | {"type": value}]}]}
    yield f"{event}/type-missing", {event: [{"hooks": [{"command": "true"}]}]}
    yield f"{event}/bare-hook", {event: [FINE]}
    yield f"{event}/second-hook", {event: [{"hooks": [FINE, {"type": "command"}]}]}
    yield f"{event}/second-group", {event: [{"hooks": [FINE]}, {"hooks": [{"type": "command"}]}]}
    if not closely:
        return
    yield f"{event}/unknown-fields", {event: [{"hooks": [FINE | {"x": 5}], "x": 5}]}
    for kind, handler in HANDLERS.items():
        yield from _handlers(event, kind, handler, everything=first)


def _handlers(event: str, kind: str, handler: Mapping[str, Any], *, everything: bool) -> Iterator[tuple[str, object]]:
    """One kind of hook with each of its fields missing and of every type."""
    yield f"{event}/{kind}", {event: [{"hooks": [handler]}]}
    for field in handler:
        rest = {name: value for name, value in handler.items() if name != field}
        if field != "type":
            yield f"{event}/{kind}/{field}-missing", {event: [{"hooks": [rest]}]}
    for field in FIELDS[kind].split() if everything else ():
        for value in (*VALUES, 0, -1) if field == "timeout" else VALUES:
            yield f"{event}/{kind}/{field}={value}", {event: [{"hooks": [{**handler, field: value}]}]}
    words = {
        "shell": ("bash", "zsh"),
        "onFailure": ("block", "stop"),
        "url": ("ftp://x", "http://", "//x", "http://a b"),
    }
    for field, texts in words.items() if everything else ():
        for text in texts if field in FIELDS[kind].split() else ():
            yield f"{event}/{kind}/{field}={text}", {event: [{"hooks": [{**handler, field: text}]}]}


def _in_other_places() -> Iterator[tuple[str, Scenario]]:
    """The same in files of other scopes: an administrator's file is kept, `--settings` is dropped like the others."""
    flaws: dict[str, Any] = {
        "guard": {"PreToolUse": [{"matcher": "Bash"}]},
        "list": [{}],
        "other": {"Stop": [{"matcher": "Bash"}]},
    }
    for name, flaw in flaws.items():
        for place, inline in (("flag", False), ("flag", True), ("managed", False), ("managed.d/10", False)):
            file: dict[str, Settings] = {place: {"env": {"ANTHROPIC_BASE_URL": url(place)}, "hooks": flaw}}
            question = f"hooks/{place}{'-inline' if inline else ''}/{name}"
            yield question, Scenario(settings=file, shell=SHELL, flag_inline=inline)
    main: dict[str, Settings] = {
        "main.local": {"env": {"ANTHROPIC_BASE_URL": url("main.local")}, "hooks": flaws["guard"]}
    }
    yield "hooks/main.local/guard", Scenario(settings=main, shell=SHELL, layout="git-subfolder")


def _nested(levels: int, value: object, key: str | None = None) -> object:
    for _ in range(levels):
        value = [value] if key is None else {key: value}
    return value


def _short(value: object) -> str:
    """A value as part of a name, however deep it is."""
    text = str(value)
    return text if len(text) <= 40 else f"{text.count('[')}-lists"
