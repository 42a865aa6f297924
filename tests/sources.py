"""The package's own modules; the tasks of `eval` beside them are other people's code to it."""

from collections.abc import Iterator
from pathlib import Path


def modules(package: Path) -> Iterator[Path]:
    """Every module of the package, in order."""
    return (path for path in sorted(package.rglob("*.py")) if "suites" not in path.relative_to(package).parts[:1])
