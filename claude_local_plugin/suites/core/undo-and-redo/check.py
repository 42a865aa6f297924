from claude_local_plugin.evaluation.judging import only_changed, python, text, unit_tests_notice, unit_tests_pass, wrong

only_changed("document.py", "test_document.py")
HEAD = "from document import Document\nd = Document('abc')\nseen = []\nsee = lambda: seen.append(d.text)\n"
CASES = [
    (
        "insert and delete are not undone, one by one",
        "d.insert(1, 'X'); d.delete(0, 2); see(); d.undo(); see(); d.undo(); see()",
        ["bc", "aXbc", "abc"],
    ),
    (
        "what was undone is not done again",
        "d.insert(3, 'd'); d.insert(4, 'e'); d.undo(); d.undo(); d.redo(); see(); d.redo(); see()",
        ["abcd", "abcde"],
    ),
    ("undo or redo of nothing does something", "d.undo(); d.redo(); see()", ["abc"]),
    (
        "after a new change something can be redone",
        "d.insert(0, 'X'); d.undo(); d.insert(0, 'Y'); d.redo(); see(); d.undo(); see(); d.undo(); see()",
        ["Yabc", "abc", "abc"],
    ),
    ("a change of nothing is a step", "d.insert(0, 'X'); d.insert(1, ''); d.delete(2, 2); d.undo(); see()", ["abc"]),
    (
        "a change of nothing forgets what could be redone",
        "d.insert(0, 'X'); d.undo(); d.delete(1, 1); d.redo(); see()",
        ["Xabc"],
    ),
    (
        "two documents share their steps",
        "e = Document('z'); d.insert(0, 'X'); e.undo(); see(); seen.append(e.text)",
        ["Xabc", "z"],
    ),
]
for what, code, wanted in CASES:
    if python(HEAD + code + "\nanswer(seen)") != wanted:
        wrong(what)
unit_tests_pass(least=5)
unit_tests_notice(
    "document.py",
    text("document.py") + "\n\nDocument.undo = Document.redo = lambda self: None\n",
    "that undo does nothing",
)
