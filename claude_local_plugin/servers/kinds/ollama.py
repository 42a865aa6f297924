"""Ollama, read in its sources."""

from collections.abc import Iterator

from claude_local_plugin.core.shell import command, piped, with_variable
from claude_local_plugin.servers.answers import Answer, Answers, Question, objects_at, positive, text_at
from claude_local_plugin.servers.kinds.kind import Kind, Quirks, Remedies, Sign, Tells, ToolCalls, Unloaded
from claude_local_plugin.servers.server import ServedModel, Server


def _seen(answers: Answers) -> bool:
    root = answers.get("root")
    return isinstance(root, Answer) and root.status == 200 and root.text.strip().startswith("Ollama is running")


def _version(answers: Answers) -> str | None:
    return text_at(answers.get("api_version"), "version")


def _windows(answers: Answers) -> Iterator[tuple[str, int | None]]:
    for row in objects_at(answers.get("running"), "models") or ():
        for key in ("name", "model"):
            yield str(row.get(key)), positive(row.get("context_length"))


def _larger_window(_: Server, _model: ServedModel, size: str) -> str:
    return with_variable("OLLAMA_CONTEXT_LENGTH", size, "ollama", "serve")


def _own_name(_: Server, model: ServedModel, name: str) -> str:
    return command("ollama", "cp", model.name, name)


def _load(model: str) -> str:
    return command("ollama", "run", model, "")


KIND = Kind(
    name="ollama",
    label="Ollama",
    listed=30,
    ports=(11434,),
    start=with_variable("OLLAMA_CONTEXT_LENGTH", "65536", "ollama", "serve"),
    sign=Sign(90, _seen),
    tells=Tells(questions=(Question("running", "/api/ps", token=True),), version=_version, windows=_windows),
    remedies=Remedies(
        upgrade=piped(command("curl", "-fsSL", "https://ollama.com/install.sh"), command("sh")),
        larger_window=_larger_window,
        own_name=_own_name,
        load_model=command("ollama", "pull", "qwen3-coder"),
        more_at_once="raise OLLAMA_NUM_PARALLEL",
        chat_template="give the model another TEMPLATE in a Modelfile",
        tool_calls=ToolCalls(how="use a model whose chat template has tools, such as qwen3-coder"),
    ),
    quirks=Quirks(implied_tag=":latest", unloaded=Unloaded("Ollama's own choice is 4,096 tokens", _load)),
)
