"""From what a server answered to what it is: pure functions over answers, so that every verdict can be replayed.

The signs are those seen on vLLM 0.32.0, LiteLLM 1.102.3 and 1.106.2 and llama.cpp's llama-server, and read in the
sources of SGLang 0.5.23, Ollama, llama-swap and vLLM's production-stack, and in LM Studio's documentation and bug
reports.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from claude_local_plugin.backends.urls import is_anthropic


class State(StrEnum):
    """How a server is, as far as it can be told without asking its model for anything."""

    READY = "ready"
    LOADING = "loading"  # alive, the model not yet
    NEEDS_KEY = "needs-key"
    WRONG_KEY = "wrong-key"
    OVERLOADED = "overloaded"
    REFUSED = "refused"  # nothing listens at that port
    UNRESOLVED = "unresolved"  # the host's name is not known
    TIMEOUT = "timeout"
    TLS = "tls"  # no trusted encrypted connection
    NOT_HTTP = "not-http"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A name the server answers to, its window in tokens (None: it does not say), and the weights behind the name."""

    name: str
    max_model_len: int | None = None
    root: str | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """What answers at a URL.

    `kind` is one of the names in `wellknown.LABELS`. `needs_key`: it refuses requests without a key; `key_accepted`:
    what it said to ours (None: none was sent, or it asks for none). `latency_ms` is the quickest whole answer's time.
    `speaks_messages`: whether it has the Messages API that Claude Code uses (None: it cannot be told from here).
    `problem` says what keeps it from working; it continues a sentence that begins with the server's name.
    """

    url: str
    kind: str
    state: State
    version: str | None = None
    models: tuple[ServedModel, ...] = ()
    needs_key: bool = False
    key_accepted: bool | None = None
    latency_ms: float | None = None
    speaks_messages: bool | None = None
    problem: str | None = None

    @property
    def usable(self) -> bool:
        """Whether Claude Code could start a session on it now."""
        return self.state is State.READY and self.speaks_messages is not False

    @property
    def is_model_server(self) -> bool:
        """Whether there is evidence of a model server at all, working or not."""
        return self.kind != "unknown"


@dataclass(frozen=True, slots=True)
class Question:
    """One request to ask; with `token`, our token goes along if there is one."""

    name: str
    path: str
    token: bool = False
    method: str = "GET"
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: header names in lower case, at most the first mebibyte of the body, the seconds it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode("utf-8", "replace")

    @property
    def data(self) -> Any:
        """The body as JSON data; None if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):  # a web page, or made to annoy
            return None


@dataclass(frozen=True, slots=True)
class Failure:
    """No HTTP answer, and why."""

    state: State
    problem: str


#: Longer names, versions and paths are not taken for such.
LONGEST_LABEL = 300

Heard = Answer | Failure
Answers = Mapping[str, Heard]

#: Asked at once. None of them makes any known server run its model; so /health is not among them: LiteLLM runs a
#: completion on every deployment for it, SGLang generates a token.
FIRST_QUESTIONS = (
    Question("models", "/v1/models", token=True),
    Question("messages", "/v1/messages", token=True),  # GET: 405 where the route exists
    Question("root", "/"),
    Question("version", "/version"),
    Question("api_version", "/api/version", token=True),
    Question("liveliness", "/health/liveliness"),
)
#: Asked besides when there is a token: whether the server asks for one at all.
WITHOUT_TOKEN = Question("models_without_token", "/v1/models")
#: Asked when GET has not settled whether there is a Messages API. An empty object names no model that could run.
COUNT_TOKENS = Question("count_tokens", "/v1/messages/count_tokens", token=True, method="POST", body=b"{}")
#: What else to ask a server of a kind: its health where that is free of charge, its version, its windows.
SECOND_QUESTIONS: Mapping[str, tuple[Question, ...]] = {
    "vllm": (Question("health", "/health"),),
    "production-stack": (Question("health", "/health"),),
    "llama.cpp": (Question("health", "/health"), Question("props", "/props", token=True)),
    "ollama": (Question("running", "/api/ps", token=True),),
    "lmstudio": (
        Question("native_v1", "/api/v1/models", token=True),
        Question("native_v0", "/api/v0/models", token=True),
    ),
    "litellm": (
        Question("model_info", "/v1/model/info", token=True),
        Question("details", "/health/readiness/details", token=True),
    ),
    "sglang": (Question("server_info", "/server_info", token=True),),
}


def follow_up(url: str, answers: Answers) -> tuple[Question, ...]:
    """What to ask next, after the first questions have been answered."""
    kind = kind_of(url, answers)
    if kind == "anthropic" or not any(isinstance(answer, Answer) for answer in answers.values()):
        return ()
    more = SECOND_QUESTIONS.get(kind, ())
    return more if _status(answers, "messages") in (405, 401, 403) else (*more, COUNT_TOKENS)


def recognise(url: str, answers: Answers, *, token_sent: bool = False) -> Server:
    """The verdict on all that was heard from `url`; questions that were not asked may be missing."""
    kind = kind_of(url, answers)
    heard = [answer for answer in answers.values() if isinstance(answer, Answer)]
    if not heard:
        failure = next(answer for answer in answers.values() if isinstance(answer, Failure))
        return Server(url, kind, failure.state, problem=failure.problem)
    speaks = speaks_messages(kind, answers)
    if kind == "unknown" and _rows(answers.get("models")) is not None:
        kind = "openai-only" if speaks is False else "anthropic-compatible"
    elif kind == "unknown" and speaks:
        kind = "anthropic-compatible"
    server = Server(
        url,
        kind,
        State.READY,
        version=_version(kind, answers),
        models=_models(kind, answers),
        latency_ms=round(min(answer.seconds for answer in heard) * 1000, 1),
        speaks_messages=True if kind == "anthropic" else speaks,
    )
    return _with_state(server, answers, token_sent=token_sent)


# --- what it is


def kind_of(url: str, answers: Answers) -> str:
    """The kind of server by its signs alone; "unknown" where none is seen."""
    if is_anthropic(urlsplit(url).hostname or ""):
        return "anthropic"
    return next((kind for kind, sign in _SIGNS if sign(answers)), "unknown")


def _is_litellm(answers: Answers) -> bool:
    alive = answers.get("liveliness")
    if isinstance(alive, Answer) and alive.status == 200 and alive.data == "I'm alive!":
        return True
    return any(header.startswith("x-litellm-") for answer in _heard(answers) for header in answer.headers)


def _is_lmstudio(answers: Answers) -> bool:
    # it answers 200 to every path, with this for those it does not have
    return any(b"Unexpected endpoint or method." in answer.body for answer in _heard(answers))


def _is_llama_swap(answers: Answers) -> bool:
    asks = any('realm="llama-swap"' in answer.headers.get("www-authenticate", "") for answer in _heard(answers))
    return asks or _owned_by(answers, "llama-swap")


def _is_llama_cpp(answers: Answers) -> bool:
    named = any(answer.headers.get("server", "").startswith("llama.cpp") for answer in _heard(answers))
    return named or _owned_by(answers, "llamacpp")


def _is_ollama(answers: Answers) -> bool:
    root = answers.get("root")
    return isinstance(root, Answer) and root.status == 200 and root.text.strip() == "Ollama is running"


def _is_sglang(answers: Answers) -> bool:
    root = answers.get("root")
    said = isinstance(root, Answer) and root.status == 200 and "SGLang is running" in root.text
    return said or _owned_by(answers, "sglang")


def _is_production_stack(answers: Answers) -> bool:
    rows = _rows(answers.get("models")) or ()
    # its router repeats the engines' lists, but without their windows
    return _owned_by(answers, "vllm") and not any("max_model_len" in row for row in rows)


def _is_vllm(answers: Answers) -> bool:
    if _owned_by(answers, "vllm"):
        return True
    guarded, version = answers.get("models"), answers.get("version")
    if not isinstance(guarded, Answer) or not isinstance(version, Answer):
        return False
    # with --api-key only /v1 is guarded, and the refusal has a shape of its own
    return guarded.status == 401 and guarded.data == {"error": "Unauthorized"} and _only_version(version) is not None


#: First sign that fits decides: those who imitate others stand before them.
_SIGNS: tuple[tuple[str, Callable[[Answers], bool]], ...] = (
    ("litellm", _is_litellm),
    ("lmstudio", _is_lmstudio),
    ("llama-swap", _is_llama_swap),
    ("llama.cpp", _is_llama_cpp),
    ("sglang", _is_sglang),
    ("ollama", _is_ollama),
    ("production-stack", _is_production_stack),
    ("vllm", _is_vllm),
)


def speaks_messages(kind: str, answers: Answers) -> bool | None:
    """Whether the server has POST /v1/messages, told without posting to it; None where that cannot be told."""
    if kind == "lmstudio":
        # the Messages API came with 0.4.1, the native API v1 just before, and GET tells nothing
        native = answers.get("native_v1")
        return _list(native, "models") is not None if isinstance(native, Answer) else None
    asked = _status(answers, "messages")
    if asked == 405 and _status(answers, "version") != 405:  # some programs say 405 to every GET
        return True
    counted = answers.get("count_tokens")
    if not isinstance(counted, Answer):
        return None
    if counted.status in (400, 422, 500) and re.search(r"messages|model", counted.text):
        return True  # the route is there, and misses what belongs into a request
    return False if counted.status in (404, 405, 501) and asked in (404, 501) else None


def _version(kind: str, answers: Answers) -> str | None:
    if kind in ("vllm", "production-stack"):
        return _only_version(answers.get("version"))
    if kind in ("ollama", "llama-swap"):
        return _text_at(answers.get("api_version"), "version")
    if kind == "llama.cpp":
        return _text_at(answers.get("props"), "build_info")
    if kind == "sglang":
        return _text_at(answers.get("server_info"), "version")
    if kind == "litellm":
        told = (answer.headers.get("x-litellm-version") for answer in _heard(answers))
        return next(filter(None, told), None) or _text_at(answers.get("details"), "litellm_version")
    return None


# --- what it serves


def _models(kind: str, answers: Answers) -> tuple[ServedModel, ...]:
    listed = answers.get("models")
    windows = _windows(kind, answers)
    silent = _embedders(answers)
    models = []
    for row in _rows(listed) or ():
        name, root = row.get("id"), row.get("root")
        if _is_label(name) and name not in silent:
            window = _positive(row.get("max_model_len")) or windows.get(name) or _window_in(row)
            models.append(ServedModel(name, window, root if _is_label(root) else None))
    return tuple(models)


def _embedders(answers: Answers) -> frozenset[str]:
    """The names of models that only embed, as LM Studio tells them apart in its own lists."""
    rows = (*(_list(answers.get("native_v0"), "data") or ()), *(_list(answers.get("native_v1"), "models") or ()))
    return frozenset(
        str(row.get("id") or row.get("key")) for row in rows if str(row.get("type")).startswith("embedding")
    )


def _window_in(row: Mapping[str, Any]) -> int | None:
    """The window as servers other than vLLM and SGLang put it into their list of models."""
    meta = row.get("meta")
    inner = meta.get("n_ctx") if isinstance(meta, dict) else None  # llama.cpp, llama-swap
    return _positive(inner) or _positive(row.get("context_length")) or _positive(row.get("max_input_tokens"))


def _windows(kind: str, answers: Answers) -> dict[str, int]:
    """Name -> window, from the server's own API beside /v1.

    A model that Ollama or LM Studio has not loaded has no window yet: its largest possible one would be a guess.
    """
    return {name: window for name, window in _WINDOWS.get(kind, _no_windows)(answers) if window}


def _no_windows(_: Answers) -> Iterator[tuple[str, int | None]]:
    yield from ()


def _ollama_windows(answers: Answers) -> Iterator[tuple[str, int | None]]:
    for row in _list(answers.get("running"), "models") or ():
        for key in ("name", "model"):
            yield str(row.get(key)), _positive(row.get("context_length"))


def _lmstudio_windows(answers: Answers) -> Iterator[tuple[str, int | None]]:
    for row in _list(answers.get("native_v0"), "data") or ():
        yield str(row.get("id")), _positive(row.get("loaded_context_length"))
    for row in _list(answers.get("native_v1"), "models") or ():
        for loaded in row.get("loaded_instances") or ():
            config = loaded.get("config") if isinstance(loaded, dict) else None
            if isinstance(config, dict):
                window = _positive(config.get("context_length"))
                yield str(row.get("key")), window
                yield str(loaded.get("id")), window


def _litellm_windows(answers: Answers) -> Iterator[tuple[str, int | None]]:
    for row in _list(answers.get("model_info"), "data") or ():
        info = row.get("model_info")
        if isinstance(info, dict):
            yield str(row.get("model_name")), _positive(info.get("max_input_tokens"))


_WINDOWS: Mapping[str, Callable[[Answers], Iterator[tuple[str, int | None]]]] = {
    "ollama": _ollama_windows,
    "lmstudio": _lmstudio_windows,
    "litellm": _litellm_windows,
}


# --- how it is


def _with_state(server: Server, answers: Answers, *, token_sent: bool) -> Server:
    listed = answers["models"]
    if isinstance(listed, Failure):
        return replace(server, state=listed.state, problem=f"answers, but /v1/models {listed.problem}")
    bare = answers.get("models_without_token", listed)
    needs_key = isinstance(bare, Answer) and (not token_sent or bare is not listed) and _asks_for_key(server.kind, bare)
    if _asks_for_key(server.kind, listed):
        if token_sent:
            return replace(
                server, state=State.WRONG_KEY, needs_key=True, key_accepted=False, problem=_wrong_key(listed)
            )
        return replace(server, state=State.NEEDS_KEY, needs_key=True, problem="asks for a key")
    server = replace(server, needs_key=needs_key, key_accepted=True if needs_key and token_sent else None)
    state, problem = _state(server, answers, listed)
    return replace(server, state=state, problem=problem)


def _asks_for_key(kind: str, answer: Answer) -> bool:
    if answer.status in (401, 403):
        return True
    # without a database LiteLLM says 500 to no key at all and 400 to a wrong one
    return kind == "litellm" and (answer.status == 500 or (answer.status == 400 and "No connected db" in answer.text))


def _wrong_key(answer: Answer) -> str:
    return f"does not accept the key ({answer.status})"


def _state(server: Server, answers: Answers, listed: Answer) -> tuple[State, str | None]:
    """State and problem of a server that lets us in."""
    busy = _busy(listed)
    if busy is not None:
        return busy
    health = answers.get("health")
    if isinstance(health, Answer) and health.status >= 500:
        return _busy(health) or (State.ERROR, f"says {health.status} to /health: its engine is not well")
    if 300 <= listed.status < 400:
        return State.ERROR, f"redirects to {_shown_target(listed)}: use the address it redirects to"
    absent = listed.status in (404, 405)
    if listed.status >= 400 and not (absent and server.kind in ("anthropic-compatible", "unknown")):
        return State.ERROR, f"answers {listed.status} to /v1/models"
    if server.kind == "unknown":
        return State.ERROR, "answers, but is no model server: it has neither /v1/models nor /v1/messages"
    if server.speaks_messages is False:
        return State.READY, "has no /v1/messages: put LiteLLM in front of it, or use a newer version"
    if listed.status == 200 and not server.models:
        return State.READY, "serves no model"
    return State.READY, None


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
    return shown if target.netloc and _is_label(shown) else "another path"


# --- reading answers


def _heard(answers: Answers) -> list[Answer]:
    return [answer for answer in answers.values() if isinstance(answer, Answer)]


def _status(answers: Answers, name: str) -> int | None:
    answer = answers.get(name)
    return answer.status if isinstance(answer, Answer) else None


def _list(answer: Heard | None, key: str) -> list[dict[str, Any]] | None:
    """The objects in the list at `key` of a good answer; None if there is no such list."""
    if not isinstance(answer, Answer) or answer.status != 200:
        return None
    found = answer.data.get(key) if isinstance(answer.data, dict) else None
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else None


def _rows(answer: Heard | None) -> list[dict[str, Any]] | None:
    return _list(answer, "data")


def _owned_by(answers: Answers, owner: str) -> bool:
    return any(row.get("owned_by") == owner for row in _rows(answers.get("models")) or ())


def _only_version(answer: Heard | None) -> str | None:
    """The version in `{"version": "…"}`; other programs put more into theirs."""
    data = answer.data if isinstance(answer, Answer) and answer.status == 200 else None
    return _text_at(answer, "version") if isinstance(data, dict) and list(data) == ["version"] else None


def _text_at(answer: Heard | None, key: str) -> str | None:
    data = answer.data if isinstance(answer, Answer) and answer.status == 200 else None
    value = data.get(key) if isinstance(data, dict) else None
    return value if _is_label(value) else None


def _is_label(value: object) -> TypeGuard[str]:
    """Whether a text from a server may be shown and written: not empty, not long, nothing that drives a terminal."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_LABEL and value.isprintable()


def _positive(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
