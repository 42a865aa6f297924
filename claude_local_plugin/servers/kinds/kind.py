"""What is known of one kind of model server: plain data, and small pure functions where data cannot say it.

Its parts are named tuples: ten dataclasses would take ten milliseconds of every command that looks at a server.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

from claude_local_plugin.servers.answers import Answer, Answers, Question
from claude_local_plugin.servers.server import ServedModel, Server

#: The kinds, besides UNKNOWN, that the rules themselves name: what no sign tells apart, and Anthropic's own API.
COMPATIBLE = "anthropic-compatible"
OPENAI_ONLY = "openai-only"
ANTHROPIC = "anthropic"

Version = tuple[int, int, int]
Field = Literal[
    "attribution_off",
    "disable_betas",
    "model_capabilities",
    "no_web_search",
    "output_not_clamped",
    "thinking_ignored",
    "too_old",
]
Windows = Iterable[tuple[str, int | None]]

#: What keeps a session from sending system messages and tools in the middle of a conversation.
WITHOUT_MID_CONVERSATION = ("CLAUDE_CODE_MODEL_CAPABILITIES", "-mid_conv_system,-mid_conv_tool_change")
#: Reasons that several kinds have in common.
STRIPPED = "else a line that differs with every conversation stands before the prompt, and the prefix cache misses"

# questions that several kinds are asked
HEALTH = Question("health", "/health")
METRICS = Question("metrics", "/metrics", token=True)
PROPS = Question("props", "/props", token=True)


def nothing(_: Answers) -> None:
    """What a kind says that does not tell."""


def none_of(_: Answers) -> tuple[()]:
    """What a kind lists that has no such list."""
    return ()


def never(_name: str, _answer: Answer) -> bool:
    """A kind that asks for a key with 401 and 403 alone."""
    return False


class Sign(NamedTuple):
    """By what a kind is recognised. The first sign that fits decides, from the lowest `order` on.

    Gateways and routers come before what they hand requests to, and whoever imitates others before those.
    """

    order: int
    seen: Callable[[Answers], bool]


class Tells(NamedTuple):
    """What a server of the kind is asked beyond the first questions, and what its answers tell.

    `windows` gives name and window from its own API beside /v1, `embedders` the names of models that only embed,
    `seeing` which models take pictures (those that proxies hand on count for every kind). `slots` is how many requests
    it works on at once, `members` are the base URLs that it hands requests to, and `dead_end` is what it says, with a
    status from 500 on, of a member that it cannot reach: group 1 is the address. `messages` has the last word on
    whether there is a Messages API; `counts_messages`: it has one where it answers 200 to the counting of tokens.
    `takes_empty_message`: an empty POST to /v1/messages is safe, since it fills in no model of its own choice.
    `asks_for_key` knows refusals by the question's name besides 401 and 403.
    """

    questions: tuple[Question, ...] = ()
    version: Callable[[Answers], str | None] = nothing
    windows: Callable[[Answers], Windows] = none_of
    embedders: Callable[[Answers], Iterable[str]] = none_of
    seeing: Callable[[Answers], Iterable[tuple[str, bool]]] = none_of
    slots: Callable[[Answers], int | None] = nothing
    model_file: Callable[[Answers], str | None] = nothing
    members: Callable[[Answers], Iterable[object]] = none_of
    dead_end: re.Pattern[str] | None = None
    messages: Callable[[Answers], bool | None] | None = None
    counts_messages: bool = False
    takes_empty_message: bool = False
    asks_for_key: Callable[[str, Answer], bool] = never


class MetricNames(NamedTuple):
    """Its names in /metrics: a prefix that they all have, and meaning -> names in the order they are looked for.

    Counters stand without their `_total`. `cache_config` is the metric whose labels tell the cache's configuration,
    `tool_parser` the counter of what its tool-call parser came to. `charted` has names for charts and alerts alone.
    """

    prefix: str
    names: Mapping[str, Sequence[str]]
    cache_config: str = ""
    tool_parser: str = ""
    charted: Mapping[str, Sequence[str]] = MappingProxyType({})


class Need(NamedTuple):
    """One thing that the kind needs of Claude Code's side, below a version of it (None: in all of them).

    `seen` says on what it was last observed, and when, where that is not what `compatibility`'s first lines say.
    """

    field: Field
    below: Version | None
    reason: str
    value: str | None = None
    #: Whether to assume the need when the server does not tell its version.
    unknown: bool = True
    seen: str = ""


class Pair(NamedTuple):
    """One known-bad combination: a kind of server, from `since` on and before `below`, and perhaps a model's name.

    `client_since` and `client_below` are Claude Code's versions it holds for (None: for all of them). The kind "*" is
    every server that is not Anthropic's, whatever its version. `source` is where it was reported, `seen` the day it
    was entered; `fix` the command or the step that fixes it.
    """

    kind: str
    since: Version
    below: Version
    severity: Literal["warning", "error"]
    what: str
    why: str
    fix: str
    source: str
    model: str = ""
    client_since: Version | None = None
    client_below: Version | None = None
    seen: str = "2026-11-21"


class ToolCalls(NamedTuple):
    """How a server of the kind is made to read a model's tool calls.

    `how` is the whole advice; `{flags}` in it names the parser, `{note}` is what there is to say of that. `parser` and
    `reasoning` are the flags, `{}` being the parser's name; `listing` says what lists the parsers.
    """

    how: str
    parser: str = ""
    reasoning: str = ""
    listing: str = ""

    def flags(self, parser: str, reasoning: str | None = None) -> str:
        """The flags for a tool-call parser and, where the model thinks and the kind has that flag, for its thoughts."""
        found = self.parser.format(parser)
        return f"{found} {self.reasoning.format(reasoning)}" if reasoning and self.reasoning else found


class Remedies(NamedTuple):
    """What to do about each trouble, in the kind's own terms; None or nothing where no way is known.

    `larger_window` and `own_name` take the server, the model, and the size or the name. `name_flag` names a model,
    `thinking_apart` takes the name of the reasoning parser, or None. `messages_since` is the version with a Messages
    API, `messages_switch` finds in the server's own words what switches it on; `never_messages`: no version has one.
    `thinking_left` has thoughts stay in the text, said behind the flags of a restart, and `chat_template` gives it
    another template.
    `tool_results_since` is the version that takes the results of tools.
    """

    upgrade: str | None = None
    larger_window: Callable[[Server, ServedModel, str], str] | None = None
    own_name: Callable[[Server, ServedModel, str], str] | None = None
    name_flag: str = ""
    load_model: str | None = None
    more_at_once: str | None = None
    more_memory: str | None = None
    thinking_apart: Callable[[str | None], str] | None = None
    cache_on: str | None = None
    tell_cache: str | None = None
    thinking_left: str | None = None
    chat_template: str | None = None
    tool_calls: ToolCalls | None = None
    tool_results_since: str = ""
    messages_since: str = ""
    messages_switch: re.Pattern[str] | None = None
    never_messages: bool = False


class Unguarded(NamedTuple):
    """What a server that others can reach leaves open although it has a key, and what helps; nothing: it guards all.

    `keyless`: so it is, too, where it seems to ask for no key.
    """

    what: str = ""
    fix: str = ""
    keyless: bool = False


class Unloaded(NamedTuple):
    """What is said of the window of a model that is not loaded, and the command that loads it."""

    what: str
    load: Callable[[str], str]


class Quirks(NamedTuple):
    """In what the kind is unlike others.

    `made_for`: a router that hands requests on as they are, to servers of that kind. `nameless`: nobody's sign was
    seen, so it gets the careful settings. `routes_unlisted`: it routes names that it does not list; `any_name`: it
    answers to any name, with the model it has; `lists_models`: it has a list of models at all. `implied_tag` may be
    left out of a model's name. `only_bearer`: it does not hear `x-api-key`. `needs_header` is what it says where a
    request names no provider, and the fix. `silent_zero`: no cached tokens may mean that nobody told of any.
    `window_later` is said where it learns windows some time after its start. `metrics`: they can be had at /metrics.
    """

    made_for: str = ""
    nameless: bool = False
    routes_unlisted: bool = False
    any_name: bool = False
    lists_models: bool = True
    implied_tag: str = ""
    only_bearer: bool = False
    needs_header: tuple[str, str] | None = None
    silent_zero: bool = False
    window_later: str = ""
    unloaded: Unloaded | None = None
    unguarded: Unguarded | None = None
    metrics: bool = False


#: Those of a kind that is like most.
_TELLS, _REMEDIES, _QUIRKS = Tells(), Remedies(), Quirks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of server: `name` in records and JSON, `label` for people.

    `listed` is its place among the others where people read them, and its ports' in the scan. `needs` is None where
    nothing is known, so that it gets the careful answer; `known_bad` are versions of it that go wrong. Without a
    `sign` it is told by other means.
    """

    name: str
    label: str
    listed: int = 100
    ports: tuple[int, ...] = ()
    #: The shortest way to a server that Claude Code can work with: a window for its prompt, tools parsed.
    start: str | None = None
    sign: Sign | None = None
    tells: Tells = _TELLS
    metrics: MetricNames | None = None
    needs: tuple[Need, ...] | None = None
    known_bad: tuple[Pair, ...] = ()
    remedies: Remedies = _REMEDIES
    quirks: Quirks = _QUIRKS
