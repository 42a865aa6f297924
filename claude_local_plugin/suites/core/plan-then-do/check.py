import re

from claude_local_plugin.evaluation.judging import found, given, only_changed, python, text, unit_tests_pass, wrong

only_changed("PLAN.md", "prices.py", "till.py", "receipt.py", "test_till.py")
lines = re.findall(r"^\s*[-*] \[(.)\] `?([\w./]+)`?\s*:", text("PLAN.md"), re.MULTILINE)
for mark, name in lines:
    if mark not in "xX":
        wrong(f"{name} is not marked as done in PLAN.md")
    if found().get(name) == given().get(name):
        wrong(f"PLAN.md names {name}, which has not changed")
for name in sorted(found()):
    if name != "PLAN.md" and found()[name] != given().get(name) and name not in {each for _, each in lines}:
        wrong(f"PLAN.md does not name {name}, which has changed")
for word, wanted in (("0.29", 29), ("1.15", 115), ("4.35", 435), ("19.99", 1999), ("3", 300)):
    if python(f"import prices; got = prices.read('tea {word}')[1]; answer([got, type(got).__name__])") != [
        wanted,
        "int",
    ]:
        wrong(f"prices.read makes something else than {wanted} cents of {word}")
code = "import till; t = till.Till(); t.add('tea', 29); t.add('tea', 115); answer([t.total(), t.tax(), till.Till().total()])"
if python(code) != [144, 23, 0]:
    wrong("the till does not count in cents, or rounds its tax otherwise than before")
if python("import receipt; answer([receipt.line('tea', 5), receipt.line('milk', 1234), receipt.line('x', 100)])") != [
    "tea 0.05",
    "milk 12.34",
    "x 1.00",
]:
    wrong("what is printed is not the same")
if (
    python("import receipt; answer(receipt.of('tea 0.10\\nmilk 0.20\\nbread 4.35'))")
    != "tea 0.10\nmilk 0.20\nbread 4.35\nTOTAL 4.65\nTAX 0.74"
):
    wrong("the receipt is not the same")
unit_tests_pass(least=3)
