"""Lines of tables."""

import re

#: A field in quotes, or one without, up to the next comma or the end.
_FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^,]*))(,|$)')


def fields(line):
    """The fields of a line.

    Fields are separated by commas. One that begins with a quote ends with the next single one: commas in it belong to
    it, and a doubled quote is one quote of it. Blanks are part of a field, and a quote after one is a quote like any
    other letter.
    """
    found, at = [], 0
    while True:
        match = _FIELD.match(line, at)
        if match is None:
            raise ValueError(f"a quote is not closed in {line!r}")
        quoted, plain, end = match.groups()
        found.append(plain if quoted is None else quoted.replace('""', '"'))
        if not end:
            return found
        at = match.end()


def column(lines, number):
    """One column of a table without its head."""
    return [fields(line)[number] for line in lines[1:]]
