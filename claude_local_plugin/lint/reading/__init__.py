"""A pasted text as records: what it is told by, and what it starts."""

import re

from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.lint.reading import compose, shell, units
from claude_local_plugin.lint.reading.start import FORMATS, Document, Flag, Health, Published, Start
from claude_local_plugin.lint.reading.words import UnclosedError, Word
from claude_local_plugin.yaml_document import Node, parse

__all__ = ["FORMATS", "Document", "Flag", "Health", "Published", "Start", "Word", "read"]

_OURS = re.compile(r"\b(vllm|llama-server|litellm|docker|podman)\b")
#: A first line that begins a mapping of YAML.
_KEY = re.compile(r"[\w.-]+:\s*(#.*)?")
#: What is read, in a sentence.
READABLE = "a compose file, a docker or podman run, vllm serve, llama-server or litellm line, a unit, a LiteLLM config"


def read(text: str, name: str) -> Document:
    """The text as what it is told to be by what is in it; `name` is what errors call it.

    Raises UsageError for what is none of those, ClaudeLocalError for YAML with a fault or a quote that is not closed.
    """
    try:
        return _read(text, name)
    except UnclosedError as fault:
        if not _OURS.search(text):  # prose, with an apostrophe
            raise UsageError(f"{name} is nothing that is read here", f"it may be: {READABLE}") from fault
        line = text.count("\n", 0, fault.offset) + 1
        column = fault.offset - text.rfind("\n", 0, fault.offset)
        raise ClaudeLocalError(f"{name}:{line}:{column}: a quote is opened and not closed", "close it there") from fault


def _read(text: str, name: str) -> Document:
    named = units.sections(text)
    if named & {"Service", "Container"}:
        return _known(units.document(text, name), name)
    root, fault = _yaml(text, name)
    if root is not None and root.kind == "mapping":
        if root.get("model_list") is not None or (root.get("router_settings") and root.get("litellm_settings")):
            return Document(text, name, "litellm", gateway=root)
        if compose.is_compose(root):
            return _known(compose.document(root, text, name), name)
    try:
        if found := shell.document(text, name):
            return found
    except UnclosedError:
        if fault is None or _OURS.search(text):
            raise
    if fault is not None:  # which says where
        raise fault
    raise UsageError(f"{name} is nothing that is read here", f"it may be: {READABLE}")


def _known(document: Document, name: str) -> Document:
    """The document, if a server that is known here is in it."""
    if document.starts:
        return document
    raise UsageError(
        f"{name} is a {FORMATS[document.format]}, but starts no vLLM, llama.cpp, LiteLLM or Ollama",
        f"what is read: {READABLE}",
    )


def _yaml(text: str, name: str) -> tuple[Node | None, ClaudeLocalError | None]:
    """The text as YAML, and what is wrong in what is meant to be some; raises that of what nothing else can be."""
    try:
        return parse(text, name), None
    except ClaudeLocalError as fault:
        lines = text.splitlines()
        if any(line.strip() in ("services:", "model_list:") for line in lines):
            raise
        first = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
        meant = name.endswith((".yml", ".yaml")) or first == "---" or _KEY.fullmatch(first)
        return None, fault if meant else None
