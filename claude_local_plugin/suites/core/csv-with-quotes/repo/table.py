"""Lines of tables."""


def fields(line):
    """The fields of a line.

    Fields are separated by commas. One that begins with a quote ends with the next single one: commas in it belong to
    it, and a doubled quote is one quote of it. Blanks are part of a field, and a quote after one is a quote like any
    other letter.
    """
    return line.split(",")


def column(lines, number):
    """One column of a table without its head."""
    return [fields(line)[number] for line in lines[1:]]
