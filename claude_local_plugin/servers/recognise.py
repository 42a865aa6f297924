"""From what a server answered to what it is: pure functions over answers, so that every verdict can be replayed.

The signs are those seen on vLLM 0.32.0 and 0.33.0 (both frontends), LiteLLM 1.102.3 to 1.110.2, llama.cpp's
llama-server, vllm-router 0.1.17, claude-code-router 2.0.0, Portkey's gateway and `transformers serve` 5.19.0, and read
in the sources of SGLang 0.5.23, Ollama, llama-swap and vLLM's production-stack, and in LM Studio's documentation and
bug reports. No sign is an exact equality where a version might add a word.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeGuard
from urllib.parse import SplitResult, urlsplit

from claude_local_plugin.servers.urls import is_anthropic, is_loopback
from claude_local_plugin.servers.words import cleaned, own_words


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
    """A name the server answers to, its window in tokens (None: it does not say), and the weights behind the name.

    `parent` is the served model that an adapter (LoRA) belongs to: it has the window and the family.
    `vision`: whether the server says that the model takes pictures; None where it says nothing of it.
    """

    name: str
    max_model_len: int | None = None
    root: str | None = None
    parent: str | None = None
    vision: bool | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """What answers at a URL.

    `kind` is one of the names in `wellknown.LABELS`. `needs_key`: it refuses requests without a key; `key_accepted`:
    what it said to ours (None: none was sent, or it asks for none). `latency_ms` is the quickest whole answer's time.
    `speaks_messages`: whether it has the Messages API that Claude Code uses (None: it cannot be told from here).
    `problem` says what keeps it from working, or from working fully; it continues a sentence that begins with the
    server's name.

    Of a gateway or router: `engine` is the kind of server behind it, where it shows, `members` are the base URLs of
    those it hands requests to, `dead` those of them that do not answer. `slots` is how many requests llama.cpp works on
    at once (each with the window that it tells); `kv_cache_tokens` and `kv_cache_concurrency` are vLLM's, as in
    Metrics. `model_file` is the file that llama.cpp says it has loaded.
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
    engine: str | None = None
    members: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()
    slots: int | None = None
    kv_cache_tokens: int | None = None
    kv_cache_concurrency: float | None = None
    model_file: str | None = None

    @property
    def behaves_as(self) -> str:
        """The kind whose needs and flags count: the engine's behind a router that changes nothing."""
        return self.engine or self.kind

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
_HEALTH = Question("health", "/health")
_METRICS = Question("metrics", "/metrics", token=True)
_PROPS = Question("props", "/props", token=True)
#: What else to ask a server of a kind: its health where that is free of charge, its version, its windows.
SECOND_QUESTIONS: Mapping[str, tuple[Question, ...]] = {
    "vllm": (_HEALTH, _METRICS),
    "production-stack": (_HEALTH,),
    "vllm-router": (_HEALTH, _PROPS, Question("workers", "/workers", token=True)),
    "llama.cpp": (_HEALTH, _PROPS),
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
    # what FastAPI says of itself, and whose names the metrics have: the last signs there are
    "unknown": (Question("openapi", "/openapi.json"), _METRICS),
}
#: The answer of a member's knocked-at door is kept under this and its base URL.
MEMBER = "member "
#: No more members than this are knocked at.
MOST_MEMBERS = 16


def follow_up(url: str, answers: Answers) -> tuple[Question, ...]:
    """What to ask next, after the first questions have been answered."""
    kind = kind_of(url, answers)
    if kind == "anthropic" or not any(isinstance(answer, Answer) for answer in answers.values()):
        return ()
    return (*SECOND_QUESTIONS.get(kind, ()), COUNT_TOKENS)


def last_questions(url: str, answers: Answers) -> tuple[Question, ...]:
    """What to ask at last: where the route of the messages is still in doubt, or a router's dead member answered."""
    kind, counted = kind_of(url, answers), answers.get("count_tokens")
    if not isinstance(counted, Answer):
        return ()
    if kind == "vllm-router" and _dead_end(counted):
        return (COUNT_TOKENS,)
    # a gateway that fills in a model of its own choice could take an empty request for one
    return (POST_MESSAGES,) if counted.status == 501 and kind in ("vllm", "unknown", "sglang", "llama.cpp") else ()


def members_of(url: str, answers: Answers) -> tuple[str, ...]:
    """The base URLs that a gateway or router says it hands requests to."""
    kind = kind_of(url, answers)
    if kind == "litellm":
        rows = _list(answers.get("model_info"), "data") or ()
        told = (row.get("litellm_params") for row in rows)
        found = [each.get("api_base") for each in told if isinstance(each, dict)]
    elif kind == "vllm-router":
        found = [row.get("url") for row in _list(answers.get("workers"), "workers") or ()]
        found += [match[1] for answer in _heard(answers) if (match := _dead_end(answer))]
    else:
        return ()
    return tuple(dict.fromkeys(base for each in found if _is_label(each) and (base := _origin(each))))[:MOST_MEMBERS]


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
    heard = [answer for answer in answers.values() if isinstance(answer, Answer)]
    if not heard:
        failure = next(answer for answer in answers.values() if isinstance(answer, Failure))
        return Server(url, kind, failure.state, problem=failure.problem)
    speaks = speaks_messages(kind, answers)
    if kind == "unknown" and _rows(answers.get("models")) is not None:
        kind = "openai-only" if speaks is False else "anthropic-compatible"
    elif kind == "unknown" and speaks:
        kind = "anthropic-compatible"
    members = members_of(url, answers)
    server = Server(
        url,
        kind,
        State.READY,
        version=_version(kind, answers),
        models=_models(kind, answers),
        latency_ms=round(min(answer.seconds for answer in heard) * 1000, 1),
        speaks_messages=True if kind == "anthropic" else speaks,
        engine=_engine(answers) if kind in ROUTERS else None,
        members=members,
        dead=tuple(member for member in members if _is_dead(member, answers)),
        **_capacity(answers),
    )
    return _with_state(server, answers, token_sent=token_sent)


def _is_dead(member: str, answers: Answers) -> bool:
    door = answers.get(f"{MEMBER}{member}")
    return isinstance(door, Failure) and door.state is State.REFUSED


def _capacity(answers: Answers) -> dict[str, Any]:
    """How much at once: llama.cpp's slots, vLLM's KV cache; what is not told is left out."""
    props, told = answers.get("props"), answers.get("metrics")
    found: dict[str, Any] = {"model_file": _text_at(props, "model_path")}
    if isinstance(props, Answer) and isinstance(props.data, dict):
        found["slots"] = _positive(props.data.get("total_slots"))
    if isinstance(told, Answer) and told.status == 200:
        from claude_local_plugin.servers.metrics import read

        if (metrics := read(told.text)) is not None:
            found |= {
                "kv_cache_tokens": metrics.kv_cache_tokens,
                "kv_cache_concurrency": metrics.kv_cache_concurrency,
            }
    return found


# --- what it is


def kind_of(url: str, answers: Answers) -> str:
    """The kind of server by its signs alone; "unknown" where none is seen."""
    if is_anthropic(urlsplit(url).hostname or ""):
        return "anthropic"
    return next((kind for kind, sign in _SIGNS if sign(answers)), "unknown")


def _engine(answers: Answers) -> str | None:
    """The kind of server behind a router that passes answers on."""
    if _owned_by(answers, "vllm"):
        return "vllm"
    return next((kind for kind, sign in _SIGNS if kind not in ROUTERS and sign(answers)), None)


def _is_litellm(answers: Answers) -> bool:
    alive = answers.get("liveliness")
    if isinstance(alive, Answer) and alive.status == 200 and "alive!" in str(alive.data).lower():
        return True
    return any(header.startswith("x-litellm-") for answer in _heard(answers) for header in answer.headers)


def _is_claude_code_router(answers: Answers) -> bool:
    root = answers.get("root")
    data = root.data if isinstance(root, Answer) and root.status == 200 else None
    return isinstance(data, dict) and str(data.get("message")).startswith("LLMs API")


def _is_portkey(answers: Answers) -> bool:
    root = answers.get("root")
    greets = isinstance(root, Answer) and root.status == 200 and root.text.strip().startswith("AI Gateway says hey")
    return greets or any(answer.status == 400 and b"x-portkey-" in answer.body for answer in _heard(answers))


def _is_transformers(answers: Answers) -> bool:
    told = answers.get("openapi")
    paths = told.data.get("paths") if isinstance(told, Answer) and isinstance(told.data, dict) else None
    return isinstance(paths, dict) and {"/load_model", "/v1/chat/completions"} <= paths.keys()


#: The ids that vllm-router gives every request, and what it says of a worker that it cannot reach.
_ROUTED = re.compile(r"req-[A-Za-z0-9]{20,40}")
_DEAD_END = re.compile(r"request failed: error sending request for url \((\S+?)\)?$", re.IGNORECASE)


def _is_vllm_router(answers: Answers) -> bool:
    health = answers.get("health")
    if isinstance(health, Answer) and re.match(r"(All|Unhealthy) servers", health.text):
        return True
    return any(
        _dead_end(answer)
        or (
            _ROUTED.fullmatch(answer.headers.get("x-request-id", ""))
            and "access-control-request-method" in answer.headers.get("vary", "")
        )
        for answer in _heard(answers)
    )


def _dead_end(answer: Answer) -> re.Match[str] | None:
    """The address in a router's complaint that it cannot reach a worker."""
    return _DEAD_END.search(answer.text.strip()) if answer.status >= 500 and len(answer.body) < 4096 else None


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
    return isinstance(root, Answer) and root.status == 200 and root.text.strip().startswith("Ollama is running")


def _is_sglang(answers: Answers) -> bool:
    root = answers.get("root")
    said = isinstance(root, Answer) and root.status == 200 and "SGLang is running" in root.text
    return said or _owned_by(answers, "sglang")


def _is_production_stack(answers: Answers) -> bool:
    rows = _rows(answers.get("models")) or ()
    # its router repeats the engines' lists, but without their windows
    return _owned_by(answers, "vllm") and not any("max_model_len" in row for row in rows)


def _is_vllm(answers: Answers) -> bool:
    version = answers.get("version")
    data = version.data if isinstance(version, Answer) and version.status == 200 else None
    if _owned_by(answers, "vllm") or (isinstance(data, dict) and "rust_frontend_version" in data):
        return True
    told = answers.get("metrics")
    if isinstance(told, Answer) and told.status == 200 and b"\nvllm:" in b"\n" + told.body:
        return True
    guarded = answers.get("models")
    if not isinstance(guarded, Answer) or _text_at(version, "version") is None:
        return False
    # with --api-key only /v1 is guarded, and the refusal has a shape of its own
    refusal = guarded.data.get("error") if isinstance(guarded.data, dict) else None
    return guarded.status == 401 and str(refusal).startswith("Unauthorized")


#: First sign that fits decides: those who imitate others stand before them.
_SIGNS: tuple[tuple[str, Callable[[Answers], bool]], ...] = (
    ("litellm", _is_litellm),
    ("claude-code-router", _is_claude_code_router),
    ("portkey", _is_portkey),
    ("vllm-router", _is_vllm_router),
    ("lmstudio", _is_lmstudio),
    ("llama-swap", _is_llama_swap),
    ("llama.cpp", _is_llama_cpp),
    ("sglang", _is_sglang),
    ("ollama", _is_ollama),
    ("production-stack", _is_production_stack),
    ("vllm", _is_vllm),
    ("transformers", _is_transformers),
)
#: Those that hand requests on as they are, to servers of one kind.
ROUTERS = frozenset({"vllm-router", "production-stack"})


def speaks_messages(kind: str, answers: Answers) -> bool | None:
    """Whether the server has POST /v1/messages, told without posting to it; None where that cannot be told."""
    if kind == "lmstudio":
        # the Messages API came with 0.4.1, the native API v1 just before, and GET tells nothing
        native = answers.get("native_v1")
        return _list(native, "models") is not None if isinstance(native, Answer) else None
    asked, posted, counted = (_status(answers, name) for name in ("messages", "post_messages", "count_tokens"))
    if posted is not None:
        return _has_route(answers.get("post_messages"))
    if counted == 501:
        return False  # it says itself that it has not got that far
    if asked == 405 and _status(answers, "version") != 405:  # some programs say 405 to every GET
        return True
    if kind == "claude-code-router" and counted == 200:
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


def _version(kind: str, answers: Answers) -> str | None:
    if kind in ("vllm", "production-stack", "vllm-router") and (told := _text_at(answers.get("version"), "version")):
        return told
    if kind in ("ollama", "llama-swap"):
        return _text_at(answers.get("api_version"), "version")
    if kind in ("llama.cpp", "vllm-router"):
        return _text_at(answers.get("props"), "build_info")
    if kind == "sglang":
        return _text_at(answers.get("server_info"), "version")
    if kind == "litellm":
        headers = (answer.headers.get("x-litellm-version") for answer in _heard(answers))
        return next(filter(None, headers), None) or _text_at(answers.get("details"), "litellm_version")
    return None


# --- what it serves


def _models(kind: str, answers: Answers) -> tuple[ServedModel, ...]:
    listed = answers.get("models")
    windows = _windows(kind, answers)
    silent = _embedders(answers)
    seeing = _seeing(answers)
    models = []
    for row in _rows(listed) or ():
        name, root, parent = row.get("id"), row.get("root"), row.get("parent")
        if _is_label(name) and name not in silent:
            window = _positive(row.get("max_model_len")) or windows.get(name) or _window_in(row)
            named = root if _is_label(root) else None
            above = parent if _is_label(parent) and parent != name else None
            models.append(ServedModel(name, window, named, above, seeing.get(name)))
    by_name = {model.name: model for model in models}
    return tuple(_with_parents_window(model, by_name) for model in models)


def _with_parents_window(model: ServedModel, by_name: Mapping[str, ServedModel]) -> ServedModel:
    """An adapter with the window of the model that it belongs to: vLLM tells it of that one alone (seen on 0.33.0)."""
    parent = by_name.get(model.parent or "")
    if model.max_model_len is not None or parent is None:
        return model
    return replace(model, max_model_len=parent.max_model_len)


def _embedders(answers: Answers) -> frozenset[str]:
    """The names of models that only embed, as LM Studio tells them apart in its own lists."""
    rows = (*(_list(answers.get("native_v0"), "data") or ()), *(_list(answers.get("native_v1"), "models") or ()))
    return frozenset(
        str(row.get("id") or row.get("key")) for row in rows if str(row.get("type")).startswith("embedding")
    )


def _seeing(answers: Answers) -> dict[str, bool]:
    """Name -> whether the model takes pictures, as llama.cpp and LM Studio say of theirs."""
    found: dict[str, bool] = {}
    for row in _list(answers.get("models"), "models") or ():  # llama.cpp's own list beside the one of OpenAI's kind
        capabilities = row.get("capabilities")
        if isinstance(capabilities, list) and "completion" in capabilities:
            found[str(row.get("name"))] = "multimodal" in capabilities
    for row in _list(answers.get("native_v0"), "data") or ():
        if row.get("type") in ("llm", "vlm"):
            found[str(row.get("id"))] = row["type"] == "vlm"
    return found


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
    # without a database LiteLLM says 500 to no key at all and 400 to a wrong one
    if kind != "litellm":
        return False
    no_key = answer.status == 500 and name.startswith("models")
    return no_key or (answer.status == 400 and "No connected db" in answer.text)


def _only_of_get(name: str, answers: Answers) -> bool:
    """Whether GET alone is refused on the messages' route: a proxy that lets nothing but POST through says 403, too."""
    if not name.startswith("messages"):
        return False
    posted, got = _status(answers, "count_tokens"), _status(answers, "messages")
    return posted is not None and posted not in (401, 403) and got in (401, 403)


def _state(server: Server, answers: Answers, listed: Answer) -> tuple[State, str | None]:
    """State and problem of a server that lets us in."""
    busy = _busy(listed)
    if busy is not None:
        return busy
    health = answers.get("health")
    if server.kind == "vllm-router":
        return _state_of_router(server, answers, listed)
    if isinstance(health, Answer) and health.status >= 500:
        problem = f"says {health.status} to /health: its engine is not well{_said(health)}"
        return _busy(health) or (State.ERROR, problem)
    if 300 <= listed.status < 400:
        return State.ERROR, f"redirects to {_shown_target(listed)}: use the address it redirects to"
    if server.kind == "portkey" and listed.status == 400:
        return State.ERROR, f"needs a header that names where to go{_said(listed)}"
    absent = listed.status in (404, 405)
    if server.speaks_messages is False and server.kind != "unknown":
        return State.READY, _no_messages(server, answers)
    listless = ("anthropic-compatible", "unknown", "claude-code-router")
    if listed.status >= 400 and not (absent and server.kind in listless):
        return State.ERROR, f"answers {listed.status} to /v1/models{_said(listed)}"
    if server.kind == "unknown":
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
    lost = next((answer for answer in _heard(answers) if _dead_end(answer)), None)
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
    """Whether a model's owner is of this name, with or without an addition such as in `vllm-frontend-rs`."""
    owners = (str(row.get("owned_by")).lower() for row in _rows(answers.get("models")) or ())
    return any(re.match(rf"{re.escape(owner)}(?![a-z0-9])", each) for each in owners)


def _text_at(answer: Heard | None, key: str) -> str | None:
    data = answer.data if isinstance(answer, Answer) and answer.status == 200 else None
    value = data.get(key) if isinstance(data, dict) else None
    return value if _is_label(value) else None


def _is_label(value: object) -> TypeGuard[str]:
    """Whether a text from a server may be shown and written: not empty, not long, nothing that drives a terminal."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_LABEL and value.isprintable()


def _positive(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
