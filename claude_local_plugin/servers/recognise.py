"""From what a server answered to what it is: pure functions over answers, so that every verdict can be replayed.

By which signs each kind is told, and where it tells what, stands in `servers.kinds`. No sign is an exact equality where
a version might add a word.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from claude_local_plugin.core.probe import OWNERS
from claude_local_plugin.servers import kinds
from claude_local_plugin.servers.answers import (
    Answer,
    Answers,
    Failure,
    Heard,
    Question,
    dead_end_in,
    heard,
    is_label,
    owned_by,
    positive,
    rows_of,
    status_of,
)
from claude_local_plugin.servers.kinds.kind import Kind
from claude_local_plugin.servers.metrics import read
from claude_local_plugin.servers.server import ServedModel, Server, State
from claude_local_plugin.servers.urls import is_anthropic, is_loopback
from claude_local_plugin.servers.words import cleaned, own_words

#: Asked at once. None of them makes any known server run its model; so /health is not among them: LiteLLM runs a
#: completion on every deployment for it, SGLang generates a token.
FIRST_QUESTIONS = (
    Question("models", "/v1/models", token=True),
    Question("messages", "/v1/messages", token=True),  # GET: 405 where the route exists; and it says who is let in
    Question("root", "/"),
    Question("version", "/version"),
    Question("api_version", "/api/version", token=True),
    Question("liveliness", "/health/liveliness"),
)
#: Asked besides when there is a token: whether the server asks for one at all, on either route.
WITHOUT_TOKEN = (Question("models_without_token", "/v1/models"), Question("messages_without_token", "/v1/messages"))
#: Tells who is let in and whether there is a Messages API. An empty object names no model that could run.
COUNT_TOKENS = Question("count_tokens", "/v1/messages/count_tokens", token=True, method="POST", body=b"{}")
#: The same of the route itself: for servers that count no tokens, which says nothing about messages.
POST_MESSAGES = Question("post_messages", "/v1/messages", token=True, method="POST", body=b"{}")
#: The answer of a member's knocked-at door is kept under this and its base URL.
MEMBER = "member "
#: No more members than this are knocked at.
MOST_MEMBERS = 16


def follow_up(url: str, answers: Answers) -> tuple[Question, ...]:
    """What to ask next, after the first questions have been answered."""
    kind = kind_of(url, answers)
    if kind == kinds.ANTHROPIC or not any(isinstance(answer, Answer) for answer in answers.values()):
        return ()
    return (*kinds.of(kind).tells.questions, COUNT_TOKENS)


def last_questions(url: str, answers: Answers) -> tuple[Question, ...]:
    """What to ask at last: where the route of the messages is still in doubt, or a router's dead member answered."""
    tells, counted = kinds.of(kind_of(url, answers)).tells, answers.get("count_tokens")
    if not isinstance(counted, Answer):
        return ()
    if tells.dead_end is not None and _dead_end(counted):
        return (COUNT_TOKENS,)
    # a gateway that fills in a model of its own choice could take an empty request for one
    return (POST_MESSAGES,) if counted.status == 501 and tells.takes_empty_message else ()


def members_of(url: str, answers: Answers) -> tuple[str, ...]:
    """The base URLs that a gateway or router says it hands requests to."""
    found = kinds.of(kind_of(url, answers)).tells.members(answers)
    return tuple(dict.fromkeys(base for each in found if is_label(each) and (base := _origin(each))))[:MOST_MEMBERS]


def to_knock_at(url: str, members: tuple[str, ...]) -> tuple[str, ...]:
    """The members whose door, as seen from this machine, is the one that the gateway itself sees.

    A gateway on this very machine means this machine by `localhost`, and is the user's own, so its other plain HTTP
    addresses may be tried, too. One elsewhere is asked about its own host alone.
    """
    here = urlsplit(url).hostname or ""
    return tuple(member for member in members if _same_door(here, urlsplit(member)))


def _same_door(here: str, member: SplitResult) -> bool:
    host = member.hostname or ""
    if is_anthropic(host):
        return False
    if is_loopback(here):
        return is_loopback(host) or member.scheme == "http"
    return not is_loopback(host) and host.lower() == here.lower()


def _origin(url: str) -> str | None:
    """Scheme, host and port of a URL; None for what is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # a port that is no number, a bracket too few
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def recognise(url: str, answers: Answers, *, token_sent: bool = False) -> Server:
    """The verdict on all that was heard from `url`; questions that were not asked may be missing."""
    kind = kind_of(url, answers)
    whole = heard(answers)
    if not whole:
        failure = next(answer for answer in answers.values() if isinstance(answer, Failure))
        return Server(url, kind, failure.state, problem=failure.problem)
    speaks = speaks_messages(kind, answers)
    if kind == kinds.UNKNOWN and rows_of(answers.get("models")) is not None:
        kind = kinds.OPENAI_ONLY if speaks is False else kinds.COMPATIBLE
    elif kind == kinds.UNKNOWN and speaks:
        kind = kinds.COMPATIBLE
    engine = _engine(kind, answers)
    members = members_of(url, answers)
    server = Server(
        url,
        kind,
        State.READY,
        version=kinds.of(kind).tells.version(answers),
        models=_models(kind, answers),
        latency_ms=round(min(answer.seconds for answer in whole) * 1000, 1),
        speaks_messages=True if kind == kinds.ANTHROPIC else speaks,
        engine=engine,
        members=members,
        dead=tuple(member for member in members if _is_dead(member, answers)),
        **_capacity(kinds.of(engine or kind), answers),
    )
    return _with_state(server, answers, token_sent=token_sent)


def _is_dead(member: str, answers: Answers) -> bool:
    door = answers.get(f"{MEMBER}{member}")
    return isinstance(door, Failure) and door.state is State.REFUSED


def _capacity(kind: Kind, answers: Answers) -> dict[str, Any]:
    """How much at once: slots, what the KV cache holds; what is not told is left out."""
    told = answers.get("metrics")
    found: dict[str, Any] = {"model_file": kind.tells.model_file(answers), "slots": kind.tells.slots(answers)}
    if isinstance(told, Answer) and told.status == 200 and (metrics := read(told.text)) is not None:
        found |= {"kv_cache_tokens": metrics.kv_cache_tokens, "kv_cache_concurrency": metrics.kv_cache_concurrency}
    return found


# --- what it is


def kind_of(url: str, answers: Answers) -> str:
    """The kind of server by its signs alone; "unknown" where none is seen."""
    if is_anthropic(urlsplit(url).hostname or ""):
        return kinds.ANTHROPIC
    return next((kind.name for kind, sign in kinds.BY_SIGN if sign.seen(answers)), kinds.UNKNOWN)


def _engine(kind: str, answers: Answers) -> str | None:
    """The kind of server behind a router that passes answers on; None behind all others."""
    made_for = kinds.of(kind).quirks.made_for
    if not made_for:
        return None
    if (owner := OWNERS.get(made_for)) is not None and owned_by(answers, owner):
        return made_for
    engines = ((each, sign) for each, sign in kinds.BY_SIGN if not each.quirks.made_for)
    return next((each.name for each, sign in engines if sign.seen(answers)), None)


def _dead_end(answer: Answer) -> re.Match[str] | None:
    """The address in a router's complaint that it cannot reach a worker, in the words of any kind of router."""
    patterns = (kind.tells.dead_end for kind in kinds.ALL.values())
    return next((found for words in patterns if words and (found := dead_end_in(answer, words))), None)


def speaks_messages(kind: str, answers: Answers) -> bool | None:
    """Whether the server has POST /v1/messages, told without posting to it; None where that cannot be told."""
    tells = kinds.of(kind).tells
    if tells.messages is not None:
        return tells.messages(answers)
    asked, posted, counted = (status_of(answers, name) for name in ("messages", "post_messages", "count_tokens"))
    if posted is not None:
        return _has_route(answers.get("post_messages"))
    if counted == 501:
        return False  # it says itself that it has not got that far
    if asked == 405 and status_of(answers, "version") != 405:  # some programs say 405 to every GET
        return True
    if tells.counts_messages and counted == 200:
        return True
    found = _has_route(answers.get("count_tokens"))
    return None if found is False and asked not in (404, 501) else found


def _has_route(posted: Heard | None) -> bool | None:
    """Whether an empty POST found a route; None where its answer does not tell."""
    if not isinstance(posted, Answer) or _dead_end(posted):
        return None
    if posted.status in (400, 422, 500) and re.search(r"messages|model", posted.text):
        return True  # the route is there, and misses what belongs into a request
    return False if posted.status in (404, 405, 501) else None


# --- what it serves


def _models(kind: str, answers: Answers) -> tuple[ServedModel, ...]:
    listed = answers.get("models")
    windows = _windows(kind, answers)
    silent = _embedders(kind, answers)
    seeing = _seeing(answers)
    models = []
    for row in rows_of(listed) or ():
        name, root, parent = row.get("id"), row.get("root"), row.get("parent")
        if is_label(name) and name not in silent:
            window = positive(row.get("max_model_len")) or windows.get(name) or _window_in(row)
            named = root if is_label(root) else None
            above = parent if is_label(parent) and parent != name else None
            models.append(ServedModel(name, window, named, above, seeing.get(name)))
    by_name = {model.name: model for model in models}
    return tuple(_with_parents_window(model, by_name) for model in models)


def _with_parents_window(model: ServedModel, by_name: Mapping[str, ServedModel]) -> ServedModel:
    """An adapter with the window of the model that it belongs to: vLLM tells it of that one alone (seen on 0.33.0)."""
    parent = by_name.get(model.parent or "")
    if model.max_model_len is not None or parent is None:
        return model
    return replace(model, max_model_len=parent.max_model_len)


def _embedders(kind: str, answers: Answers) -> frozenset[str]:
    """The names of models that only embed."""
    return frozenset(kinds.of(kind).tells.embedders(answers))


def _seeing(answers: Answers) -> dict[str, bool]:
    """Name -> whether the model takes pictures, where any kind says so of its own: proxies hand such lists on."""
    return dict(pair for kind in kinds.ALL.values() for pair in kind.tells.seeing(answers))


def _window_in(row: Mapping[str, Any]) -> int | None:
    """The window as servers other than vLLM and SGLang put it into their list of models."""
    meta = row.get("meta")
    inner = meta.get("n_ctx") if isinstance(meta, dict) else None  # llama.cpp, llama-swap
    return positive(inner) or positive(row.get("context_length")) or positive(row.get("max_input_tokens"))


def _windows(kind: str, answers: Answers) -> dict[str, int]:
    """Name -> window, from the server's own API beside /v1.

    A model that Ollama or LM Studio has not loaded has no window yet: its largest possible one would be a guess.
    """
    return {name: window for name, window in kinds.of(kind).tells.windows(answers) if window}


# --- how it is


def _with_state(server: Server, answers: Answers, *, token_sent: bool) -> Server:
    listed = answers["models"]
    if isinstance(listed, Failure):
        return replace(server, state=listed.state, problem=f"answers, but /v1/models {listed.problem}")
    problem: str | None
    refusal = _refusal(server.kind, answers, ("models", "messages", "count_tokens", "post_messages"))
    if refusal is not None:
        if token_sent:
            problem = f"does not accept the key ({refusal.status}){_said(refusal)}"
            return replace(server, state=State.WRONG_KEY, needs_key=True, key_accepted=False, problem=problem)
        return replace(server, state=State.NEEDS_KEY, needs_key=True, problem="asks for a key")
    bare = _refusal(server.kind, answers, ("models_without_token", "messages_without_token")) if token_sent else None
    needs_key = bare is not None
    server = replace(server, needs_key=needs_key, key_accepted=True if needs_key and token_sent else None)
    state, problem = _state(server, answers, listed)
    return replace(server, state=state, problem=problem)


def _refusal(kind: str, answers: Answers, names: tuple[str, ...]) -> Answer | None:
    """The first of these answers that asks for a key: a server may leave its list of models open and guard the rest."""
    for name in names:
        answer = answers.get(name)
        if isinstance(answer, Answer) and _asks_for_key(kind, name, answer) and not _only_of_get(name, answers):
            return answer
    return None


def _asks_for_key(kind: str, name: str, answer: Answer) -> bool:
    if answer.status in (401, 403):
        return True
    return kinds.of(kind).tells.asks_for_key(name, answer)


def _only_of_get(name: str, answers: Answers) -> bool:
    """Whether GET alone is refused on the messages' route: a proxy that lets nothing but POST through says 403, too."""
    if not name.startswith("messages"):
        return False
    posted, got = status_of(answers, "count_tokens"), status_of(answers, "messages")
    return posted is not None and posted not in (401, 403) and got in (401, 403)


def _state(server: Server, answers: Answers, listed: Answer) -> tuple[State, str | None]:
    """State and problem of a server that lets us in."""
    busy = _busy(listed)
    if busy is not None:
        return busy
    health = answers.get("health")
    kind = kinds.of(server.kind)
    if kind.tells.dead_end is not None:
        return _state_of_router(server, answers, listed)
    if isinstance(health, Answer) and health.status >= 500:
        problem = f"says {health.status} to /health: its engine is not healthy{_said(health)}"
        return _busy(health) or (State.ERROR, problem)
    if 300 <= listed.status < 400:
        return State.ERROR, f"redirects to {_shown_target(listed)}: use the address it redirects to"
    if kind.quirks.needs_header is not None and listed.status == 400:
        return State.ERROR, f"{kind.quirks.needs_header[0]}{_said(listed)}"
    absent = listed.status in (404, 405)
    if server.speaks_messages is False and server.is_model_server:
        return State.READY, _no_messages(server, answers)
    if listed.status >= 400 and (kind.quirks.lists_models or not absent):
        return State.ERROR, f"answers {listed.status} to /v1/models{_said(listed)}"
    if not server.is_model_server:
        return State.ERROR, "answers, but is no model server: it has neither /v1/models nor /v1/messages"
    if server.dead:
        return State.READY, _dead_members(server, "deployments")
    if listed.status == 200 and not server.models:
        return State.READY, "serves no model"
    return State.READY, None


def _state_of_router(server: Server, answers: Answers, listed: Answer) -> tuple[State, str | None]:
    """A router is ready as long as one of its workers is, whichever of them was asked."""
    ways = ("models", "messages", "count_tokens", "version")
    passed = [answer for name in ways if isinstance(answer := answers.get(name), Answer) and answer.status < 500]
    passed += [a for a in (answers.get("count_tokens"),) if isinstance(a, Answer) and _has_route(a)]
    lost = next((answer for answer in heard(answers) if _dead_end(answer)), None)
    if not passed or (server.members and len(server.dead) == len(server.members)):
        worst = lost or listed
        return State.ERROR, f"cannot reach any of its workers{_said(worst)}"
    if server.dead:
        return State.READY, _dead_members(server, "workers")
    if lost is not None:
        return State.READY, f"cannot reach one of its workers{_said(lost)}"
    if server.speaks_messages is False:
        return State.READY, _no_messages(server, answers)
    if listed.status >= 400:
        return State.READY, f"answers {listed.status} to /v1/models{_said(listed)}"
    return State.READY, None if server.models else "serves no model"


def _dead_members(server: Server, what: str) -> str:
    """Says which of a gateway's members refuse connections, as seen from this machine."""
    named = ", ".join(cleaned(member) for member in server.dead[:3]) + (" …" if len(server.dead) > 3 else "")
    dead, count = len(server.dead), len(server.members)
    which = f"any of its {what}" if dead == count else f"{dead} of its {count} {what}"
    refuse = "refuses" if dead == 1 else "refuse"
    return f"cannot reach {which}: {named} {refuse} connections, as seen from here"


def _no_messages(server: Server, answers: Answers) -> str:
    """Why Claude Code cannot use it, in its own words where it has some."""
    for name in ("post_messages", "count_tokens", "messages"):
        answer = answers.get(name)
        if isinstance(answer, Answer) and answer.status == 501:
            return f"does not answer /v1/messages{_said(answer)}"
    return "has no /v1/messages: put LiteLLM in front of it, or use a newer version"


def _said(answer: Answer) -> str:
    """The server's own words, to be put behind ours; nothing where it has none."""
    words = own_words(answer.body)
    return f": “{words}”" if words else ""


def _busy(answer: Answer) -> tuple[State, str] | None:
    """Loading or overloaded, by status and words."""
    if answer.status in (429, 529):
        return State.OVERLOADED, f"has more requests than it takes ({answer.status})"
    if answer.status != 503:
        return None
    words = answer.text.lower()
    if re.search(r"overload|capacity|too many|queue|busy", words):
        return State.OVERLOADED, "has more requests than it takes (503)"
    if re.search(r"loading|starting|warming|not ready", words):
        return State.LOADING, "is still loading its model"
    return None if not words else (State.ERROR, "is unavailable (503)")


def _shown_target(answer: Answer) -> str:
    """Where a redirect goes: scheme and host only, since the rest may hold tokens."""
    target = urlsplit(answer.headers.get("location", ""))
    shown = f"{target.scheme}://{target.netloc.rpartition('@')[2]}"
    return shown if target.netloc and is_label(shown) else "another path"
