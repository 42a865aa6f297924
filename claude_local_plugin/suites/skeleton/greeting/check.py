"""Judges a result: exit code 0 where it is right; `wrong` ends with 1 and says why."""

from claude_local_plugin.evaluation.judging import only_changed, python, wrong

only_changed("greeting.py")
if python("import greeting; answer(greeting.greet('Ann'))") != "Hello, Ann!":
    wrong("Ann is not greeted as she was")
if python("import greeting; answer(greeting.greet(None))") != "Hello!":
    wrong("nobody is not greeted with Hello!")
