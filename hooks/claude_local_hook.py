"""Runs claude-local's hook: finds the package beside this folder or around it, and hands over."""

import gc
import os
import sys

if sys.version_info < (3, 9):  # noqa: UP036  # whatever is called python3 runs this; the finder then tries the next
    sys.exit("claude-local: the hook needs Python 3.9, and " + sys.executable + " is older")
try:
    beside = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    sys.path += [beside, os.path.dirname(beside)]  # at the end: nothing there may stand before the standard library
    gc.disable()  # in a process of milliseconds it finds nothing, and looks several times
    from claude_local_plugin.hook_runtime.main import main

    main()
except BaseException as fault:  # the session goes on without us, whatever is broken here
    sys.stderr.write("claude-local: the hook cannot run: " + repr(fault) + "\n")
