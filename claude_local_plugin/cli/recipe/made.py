"""What a recipe made, shown: files on standard output or in a folder, and what to type with them on standard error."""

from pathlib import Path

from claude_local_plugin.cli.terminal import columns, err
from claude_local_plugin.recipes.files import Made
from claude_local_plugin.text import printable


def show(made: Made, output: Path | None) -> int:
    """Print or write the files, and say what to do with them."""
    from claude_local_plugin.commands.recipe_files import write

    prose = err()
    prose.line(printable(made.about))
    if output is None:
        for number, file in enumerate(made.files):
            if len(made.files) > 1:
                print(f"{'' if number == 0 else chr(10)}# ---- {file.name}")
            print(file.text, end="")
    else:
        for path in write(made.files, output):
            prose.line(f"written: {printable(str(path))}")
    prose.lines(columns([(what, printable(line)) for what, line in made.steps]))
    for note in made.notes:
        prose.line(printable(f"! {note}"), "yellow")
    return 0
