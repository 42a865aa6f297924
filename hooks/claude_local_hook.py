"""Runs claude-local's hook: finds the package beside this folder or around it, and hands over."""

import gc
import sys

if sys.version_info < (3, 9):  # noqa: UP036  # whatever is called python3 runs this; the finder then tries the next
    sys.exit("claude-local: the hook needs Python 3.9, and " + sys.executable + " is older")
try:
    gc.disable()  # in a process of milliseconds it finds nothing, and looks several times
    beside = __file__.rsplit("/", 2)[0]
    for folder in (beside, beside.rpartition("/")[0]):
        try:  # see hook_runtime/code_cache.py
            package = folder + "/claude_local_plugin"
            kept = (
                package + "/hook_runtime/__pycache__/claude_local_hook." + str(sys.implementation.cache_tag) + ".code"
            )
            file = open(kept, "rb", 0)  # noqa: SIM115  # read from until the end
            if file.read(4) == sys.modules["_frozen_importlib_external"].MAGIC_NUMBER:
                import marshal

                length = int.from_bytes(file.read(8), "little")
                reader, whose, index = marshal.loads(file.read(length))
                if whose == package:
                    scope = {"__name__": "claude_local_plugin.hook_runtime.quick_import"}
                    exec(reader, scope)
                    scope["install"](file, 12 + length, index)
                    sys.path.append(folder)
                    break
        except Exception:  # nothing is kept there, or not for us
            continue
    else:
        import os

        beside = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
        sys.path += [beside, os.path.dirname(beside)]  # at the end: nothing there may stand before the standard library
    from claude_local_plugin.hook_runtime.main import main

    main()
except BaseException as fault:  # the session goes on without us, whatever is broken here
    sys.stderr.write("claude-local: the hook cannot run: " + repr(fault) + "\n")
