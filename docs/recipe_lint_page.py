"""Writes docs/recipe-lint.md anew from the checks' own texts: `python docs/recipe_lint_page.py`."""

from pathlib import Path

from claude_local_plugin.lint import CHECKS, GROUPS, Check

PAGE = Path(__file__).with_name("recipe-lint.md")

HEAD = """# What `claude-local recipe lint` checks

Generated from the checks themselves (`python docs/recipe_lint_page.py`); `claude-local recipe lint --explain ID` says
the same.

```console
$ claude-local recipe lint compose.yml --hardware gb10 --sessions 2
$ claude-local recipe lint compose.yml --fix | patch -p0
$ claude-local recipe lint --url http://dell-pro-max:8000
```

It reads a compose file of any version, a script or a line with `docker run`, `podman run`, `vllm serve`,
`python -m vllm.entrypoints.openai.api_server`, `llama-server` or `litellm`, a systemd unit, a podman quadlet, or a
LiteLLM config; which of them a text is, is told by what is in it. Every finding has its line and column.

- What has to do with memory needs the machine: `--hardware`, or a name of it in the file (`# DGX Spark`).
- `${NAME:-default}` and variables that a script sets are followed; what depends on any other is not judged.
- *fix*: `--fix` prints the change as a unified diff, every other byte as it was, and writes nothing. What changes who
  can use a server is left to you.
- *url*: a running server shows it, too, with `--url`. The rest can only be seen in the file that starts it.
- Exit code 1 for a warning or an error, 2 for a text that is none of these, else 0.
"""

GROUP_TEXTS = {
    "tools": "Tool calls and thinking, without which Claude Code does nothing.",
    "window": "How many tokens a conversation may have.",
    "memory": "Weights, cache, and how many are served at once.",
    "image": "What is pulled, and whether it runs there.",
    "health": "Who notices that it hangs.",
    "reach": "Who can use it.",
    "names": "What it is called.",
    "spelling": "Arguments and keys that there are not, or not any more.",
    "gateway": "LiteLLM: its config, its release, its start.",
}


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for group in GROUPS:
        checks = [check for check in CHECKS if check.group == group]
        parts.append(f"## {group}\n\n{GROUP_TEXTS[group]}\n\n" + "\n".join(map(section, checks)))
    return "\n".join(parts)


def section(check: Check) -> str:
    """One check."""
    kinds = [name for name, is_so in (("fix", check.fixable), ("url", check.outside)) if is_so]
    marks = f" ({', '.join(kinds)})" if kinds else ""
    return (
        f"### `{check.id}`{marks}\n\n"
        f"{_sentence(check.asks, '?')} {_sentence(check.why)}\n\n"
        f"- What is checked: {check.finds}\n"
        f"- Fix: {check.remedy}\n"
        f"- Source: {check.source}\n"
    )


def _sentence(text: str, end: str = ".") -> str:
    text = text.removesuffix("?").removesuffix(".")
    return f"{text[0].upper()}{text[1:]}{end}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
