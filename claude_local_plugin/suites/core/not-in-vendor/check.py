from claude_local_plugin.evaluation.judging import only_changed, python, wrong

only_changed("titles.py")
for what, given, wanted in (
    ("an empty text", "", []),
    ("a text of blank lines", "\n  \n", []),
    ("a text with titles", "one tree\n\n two  trees ", ["One tree", "Two trees"]),
):
    if python(f"import titles; answer(titles.titles({given!r}))") != wanted:
        wrong(f"{what} has other titles than {wanted}")
code = """
import vendor.texts
before = {name: id(value) for name, value in vars(vendor.texts).items()}
import titles
titles.titles("a")
try:
    vendor.texts.clean("")
    raised = False
except IndexError:
    raised = True
answer([before == {name: id(value) for name, value in vars(vendor.texts).items()}, raised])
"""
if python(code) != [True, True]:
    wrong("vendor.texts is changed at run time")
if python(
    "import vendor.texts as v; kept, v.clean = v.clean, lambda t: 'Seen'; import titles; answer(titles.titles('a'))"
) != ["Seen"]:
    wrong("titles does without vendor.texts.clean")
