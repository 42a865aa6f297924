"""Writes docs/server-logs.md anew from the table of known failures: `python docs/server_logs_page.py`."""

import textwrap
from pathlib import Path

from claude_local_plugin.server_log import FAILURES, PARTS, Failure

PAGE = Path(__file__).with_name("server-logs.md")

HEAD = f"""# Why did the server not start?

Generated from the table of known failures (`python docs/server_logs_page.py`); `claude-local doctor --explain ID`
says the same.

```console
$ docker logs vllm 2>&1 | claude-local doctor --server-log -
$ claude-local doctor --server-log server.log --json
```

`claude-local doctor --server-log` reads the log of vLLM, llama.cpp, LiteLLM or a container engine and names the cause
and what to do about it, with the figures of your log; `claude-local up` reads its server's log the same way while it
starts. {len(FAILURES)} failures are known. What stands in front of a line (compose, journald, `docker logs -t`, JSON
files) does not matter.

- Of a container that is restarted again and again the last attempt counts; what went wrong before a server became
  ready is over.
- A failure that only follows from another one in the same log is not listed beside it.
- Where nothing known is found, the last error is shown as it stands. The exit code is 1 where something is found,
  else 0.

Each row was made after real lines, of the reports or the code that its sources name; the examples are our own.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(part(name, failures) for name, failures in PARTS.items())])


def part(name: str, failures: tuple[Failure, ...]) -> str:
    """The failures that have to do with one thing."""
    return f"## {name}\n\n" + "\n".join(map(section, failures))


def section(failure: Failure) -> str:
    """One failure."""
    example = failure.example.replace("`", "'")
    sources = ", ".join(f"<{each}>" if "://" in each else each for each in failure.sources)
    return (
        f"### `{failure.id}`\n\n"
        f"{failure.what[0].upper()}{failure.what[1:]}: {failure.why}.\n\n"
        f"- Fix: {failure.fix}\n"
        f"- Looks like:\n\n  ```text\n{textwrap.indent(textwrap.fill(example, 110), '  ')}\n  ```\n\n"
        f"- More: <{failure.docs}>\n"
        f"- Seen in: {sources}\n"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
