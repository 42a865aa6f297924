from claude_local_plugin.evaluation.judging import only_changed, python, wrong

only_changed("retry.py")
HEAD = """
import retry
slept = []
calls = []
def failing(error, times):
    def act():
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "done"
    return act
def outcome(act, **more):
    try:
        return [retry.attempt(act, slept.append, **more), len(calls), slept]
    except BaseException as fault:
        return [type(fault).__name__ + str(fault), len(calls), slept]
"""
if python(HEAD + "answer(outcome(failing(OSError('x'), 0)))") != ["done", 1, []]:
    wrong("what succeeds at once is not done once")
said, count, slept = python(HEAD + "answer(outcome(failing(OSError('x'), 99), times=3))")
if slept != [1, 2]:
    wrong(f"it sleeps {slept} between three tries")
if said != "OSErrorx" or count != 3:
    wrong("after three tries the last error is not raised as it is")
said, count, slept = python(HEAD + "answer(outcome(failing(OSError('x'), 7), times=9))")
if slept != [1, 2, 4, 8, 16, 30, 30] or said != "done":
    wrong(f"it sleeps {slept} between eight tries")
if python(HEAD + "answer(outcome(failing(OSError('x'), 99)))") != ["OSErrorx", 5, [1, 2, 4, 8]]:
    wrong("if nothing is said it does not try five times")
if python(HEAD + "answer(outcome(failing(ValueError('x'), 1)))") != ["ValueErrorx", 1, []]:
    wrong("a ValueError is tried again")
if python("import retry; answer(retry.attempt(act=lambda: 5, sleep=print))") != 5:
    wrong("the parameters have other names")
