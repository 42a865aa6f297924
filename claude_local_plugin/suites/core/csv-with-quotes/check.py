import re

from claude_local_plugin.evaluation.judging import only_changed, python, text, unit_tests_pass, wrong

only_changed("table.py")
unit_tests_pass(least=3)
if re.search(r"\bcsv\b", re.sub(r'""".*?"""|#.*', "", text("table.py"), flags=re.S)):
    wrong("csv is used")
CASES = [
    ("doubled quotes", 'a,"say ""hi""",b', ["a", 'say "hi"', "b"]),
    ("an empty field in quotes", '"",x', ["", "x"]),
    ("empty fields", ",,", ["", "", ""]),
    ("blanks", ' a , "b" ', [" a ", ' "b" ']),
    ("a comma alone in quotes", '","', [","]),
    ("one quote in quotes", '""""', ['"']),
]
for what, line, wanted in CASES:
    if python(f"import table; answer(table.fields({line!r}))") != wanted:
        wrong(f"{what}: {line} is read as something else than {wanted}")
