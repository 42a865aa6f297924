from claude_local_plugin.evaluation.judging import is_exactly, only_changed, original, python, unit_tests_pass, wrong

only_changed("store.py", "report.py", "cli.py", "test_store.py", "README.md")
if python("import store; answer([hasattr(store, 'load'), hasattr(store, 'read_orders')])") != [False, True]:
    wrong("store.load is still there, or store.read_orders is not")
if python("import report; answer(report.total('1 tea\\n2 milk'))") != 3:
    wrong("report.total is wrong")
if python("import cli; answer([cli.main(['load', '4 tea']), cli.main(['nothing'])])") != [
    [[4, "tea"]],
    "try: orders load",
]:
    wrong("what users type is another word")
unit_tests_pass(least=2)
is_exactly("README.md", original("README.md").replace("store.load", "store.read_orders"))
