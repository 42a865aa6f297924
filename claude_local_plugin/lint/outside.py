"""A running server as a document without text: what it shows of how it was started."""

from claude_local_plugin.lint.reading.start import Document, Flag, Layout, Start
from claude_local_plugin.lint.reading.words import Word
from claude_local_plugin.servers import Server


def document_of(server: Server) -> Document:
    """The names, the weights and the window that a server tells."""
    models = [each for each in server.models if each.parent is None]
    root = next((each.root for each in models if each.root), None)
    window = next((each.max_model_len for each in models if each.max_model_len), None)
    flags = [Flag("--served-model-name", "", _word(""), tuple(_word(each.name) for each in models))]
    if window is not None:
        flags.append(Flag("--max-model-len", "", _word(""), (_word(str(window)),)))
    start = Start(
        format="shell",
        name=server.kind,
        engine=server.behaves_as,
        at=_word(server.kind),
        arguments=(),
        flags=tuple(flags),
        model=_word(root or server.model_file or "") if root or server.model_file else None,
        network="direct",
        layout=Layout("words", " "),
    )
    return Document("", server.url, "shell", (start,))


def _word(text: str) -> Word:
    return Word(text, 0, 0)
