"""What a session's hook runs where its server is down, in a process with our packages: JSON in, JSON out.

No command of the command line: nobody types it.
"""

import json
import os
import sys
from pathlib import Path

from claude_local_plugin import paths
from claude_local_plugin.commands.fall_back import Moved, fall_back, read_asked
from claude_local_plugin.core.claude import client_version_of
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.world import World


def main() -> None:
    """Read what is asked from standard input and print what came of it."""
    said = json.load(sys.stdin)
    asked, folder = read_asked(said)
    environ = dict(os.environ)
    world = World(
        cwd=folder,
        home=Path.home(),
        environ=environ,
        state_dir=paths.state_dir(environ),
        python=sys.executable,
        client_version=client_version_of(environ),
    )
    try:
        moved = fall_back(asked, world)
    except ClaudeLocalError as error:
        moved = Moved(why=(error.message,))
    print(json.dumps(moved.as_json()))


if __name__ == "__main__":
    main()
