import sys

from claude_local_plugin.evaluation.judging import answered, mentions, only_changed, python, run, wrong

only_changed("lib/dates.py", "lib/words.py", "removed.txt")
ended = run(sys.executable, "app.py")
if ended.returncode != 0 or ended.stdout != "monday TEA 2\n":
    wrong("app.py does not print what it printed")
answered("removed.txt", "half\nold_week\nunused")
for file, name in (("lib/dates.py", "old_week"), ("lib/words.py", "half"), ("lib/words.py", "unused")):
    if mentions(file, f"def {name}"):
        wrong(f"{file} still has {name}")
left = "import lib.dates, lib.words; answer([lib.dates.day(3), lib.words.loud('a'), lib.words.count('a b'), lib.words.parts('a b')])"
if python(left) != ["wednesday", "A", 2, ["a", "b"]]:
    wrong("a function that is called does something else")
