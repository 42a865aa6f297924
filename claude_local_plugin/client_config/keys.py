"""Whether a text can be sent to a server as its key."""

from claude_local_plugin.core.claude import is_anthropics


def unfit(key: str) -> str | None:
    """What speaks against it, as the end of a sentence about it; None where nothing does."""
    if is_anthropics(key):
        return "is a key of Anthropic's own: it may not be sent to another server"
    if scheme := scheme_of(key):
        return f"begins with “{scheme}”, and Claude Code puts “Bearer” before it by itself"
    if not (key.isascii() and key.isprintable()) or " " in key:
        return "has characters in it that no HTTP header can carry, such as spaces"
    return None


def scheme_of(key: str) -> str:
    """`Bearer` or `Basic` where the key begins with the name of a scheme, as copied out of a header."""
    first, blank, _ = key.strip().partition(" ")
    return first if blank and first.rstrip(":").lower() in ("bearer", "basic", "authorization") else ""
