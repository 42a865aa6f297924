import json
import sys

from claude_local_plugin.evaluation.judging import (
    changed,
    only_changed,
    original,
    run,
    unit_tests_notice,
    unit_tests_pass,
    wrong,
)

only_changed("stock.py", "test_stock.py")
LINES = {'a "good" tea': 3, "milk": 0, "bread, white": 12}
with changed({"things.txt": "".join(f"{count} {name}\n" for name, count in LINES.items())}) as folder:
    ended = run(sys.executable, "stock.py", "list", "things.txt", "--json", folder=folder)
    other = run(sys.executable, "stock.py", "list", "--json", "things.txt", folder=folder)
    plain = run(sys.executable, "stock.py", "list", "things.txt", folder=folder)
if ended.returncode != 0 or ended.stdout != other.stdout:
    wrong("--json does not work before and behind the file's name")
try:
    have = json.loads(ended.stdout)
except ValueError:
    wrong("what --json prints is no JSON, or not JSON alone")
if have != [{"name": name, "count": count} for name, count in LINES.items()]:
    wrong("what --json prints is not what is in the file, in its order")
unit_tests_pass()
if plain.stdout != '3\ta "good" tea\n0\tmilk\n12\tbread, white\n':
    wrong("the text output is another one")
unit_tests_pass(least=3)
unit_tests_notice(
    "stock.py",
    original("stock.py").replace(
        'words.add_argument("file")', 'words.add_argument("file"); words.add_argument("--json", action="store_true")'
    ),
    "that --json prints text",
)
