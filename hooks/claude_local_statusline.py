"""Draws claude-local's status line: finds the package beside this folder or around it, and hands over."""

import os
import sys

try:
    beside = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    sys.path += [beside, os.path.dirname(beside)]  # at the end: nothing there may stand before the standard library
    from claude_local_plugin.hook_runtime.statusline import main

    main()
except BaseException as fault:  # the session goes on without us, whatever is broken here
    sys.stderr.write("claude-local: the status line cannot run: " + repr(fault) + "\n")
