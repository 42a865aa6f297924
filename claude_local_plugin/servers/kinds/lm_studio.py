"""LM Studio, by its documentation and bug reports."""

from collections.abc import Iterator

from claude_local_plugin.core.shell import command
from claude_local_plugin.servers.answers import Answer, Answers, Question, heard, objects_at, positive
from claude_local_plugin.servers.kinds.kind import Kind, Remedies, Sign, Tells, ToolCalls
from claude_local_plugin.servers.server import ServedModel, Server


def _seen(answers: Answers) -> bool:
    # it answers 200 to every path, with this for those it does not have
    return any(b"Unexpected endpoint or method." in answer.body for answer in heard(answers))


def _messages(answers: Answers) -> bool | None:
    # the Messages API came with 0.4.1, the native API v1 just before, and GET tells nothing
    native = answers.get("native_v1")
    return objects_at(native, "models") is not None if isinstance(native, Answer) else None


def _windows(answers: Answers) -> Iterator[tuple[str, int | None]]:
    for row in objects_at(answers.get("native_v0"), "data") or ():
        yield str(row.get("id")), positive(row.get("loaded_context_length"))
    for row in objects_at(answers.get("native_v1"), "models") or ():
        for loaded in row.get("loaded_instances") or ():
            config = loaded.get("config") if isinstance(loaded, dict) else None
            if isinstance(config, dict):
                window = positive(config.get("context_length"))
                yield str(row.get("key")), window
                yield str(loaded.get("id")), window


def _embedders(answers: Answers) -> Iterator[str]:
    lists = ((answers.get("native_v0"), "data"), (answers.get("native_v1"), "models"))
    for row in (row for answer, key in lists for row in objects_at(answer, key) or ()):
        if str(row.get("type")).startswith("embedding"):
            yield str(row.get("id") or row.get("key"))


def _seeing(answers: Answers) -> Iterator[tuple[str, bool]]:
    for row in objects_at(answers.get("native_v0"), "data") or ():
        if row.get("type") in ("llm", "vlm"):
            yield str(row.get("id")), row["type"] == "vlm"


def _larger_window(_: Server, model: ServedModel, size: str) -> str:
    return command("lms", "load", model.name, "--context-length", size)


def _own_name(_: Server, model: ServedModel, name: str) -> str:
    return command("lms", "load", model.name, "--identifier", name)


KIND = Kind(
    name="lmstudio",
    label="LM Studio",
    listed=50,
    ports=(1234,),
    start=f"{command('lms', 'server', 'start')}   (and load a model with a context of 65536)",
    sign=Sign(50, _seen),
    tells=Tells(
        questions=(
            Question("native_v1", "/api/v1/models", token=True),
            Question("native_v0", "/api/v0/models", token=True),
        ),
        windows=_windows,
        embedders=_embedders,
        seeing=_seeing,
        messages=_messages,
    ),
    remedies=Remedies(
        larger_window=_larger_window,
        own_name=_own_name,
        load_model=command("lms", "load"),
        tool_calls=ToolCalls(how="use a model whose chat template has tools, such as qwen3-coder"),
    ),
)
