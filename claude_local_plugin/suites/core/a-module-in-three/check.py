import ast

from claude_local_plugin.evaluation.judging import found, only_changed, python, text, unit_tests_pass, wrong

PLACES = {"things": {"Thing", "add"}, "reading": {"read"}, "report": {"report"}}

only_changed("inventory.py", "inventory/*.py")
if "inventory.py" in found():
    wrong("inventory.py is still there")
for name, wanted in PLACES.items():
    tree = ast.parse(text(f"inventory/{name}.py"))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    if missing := wanted - defined:
        wrong(f"inventory/{name}.py has no {min(missing)}")
    for node in ast.walk(tree):
        names = [each.name for each in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if {part for each in names for part in each.split(".")} & {"reading", "report"} - {name}:
            wrong(f"inventory/{name}.py imports another module than things.py")
tree = ast.parse(text("inventory/__init__.py"))
if [node for node in tree.body if isinstance(node, ast.ClassDef)]:
    wrong("inventory/__init__.py has a class of its own")
if [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name not in ("__getattr__", "__dir__")]:
    wrong("inventory/__init__.py has a function of its own")
unit_tests_pass(least=4)
for name in ("EMPTY", "Thing", "add", "last_id", "read", "report"):
    if not python(f"import inventory; answer(hasattr(inventory, {name!r}))"):
        wrong(f"inventory.{name} is lost")
if python("import inventory as i; a = i.last_id; i.add('x'); i.read('y 1\\nz 2'); answer([a, i.last_id])") != [0, 3]:
    wrong("inventory.last_id does not mean the same at every moment")
if python("import inventory as i; answer([i.report([]), i.report(i.read('tea 2'))])") != ["nothing", "1 tea 2"]:
    wrong("inventory.report is another one")
