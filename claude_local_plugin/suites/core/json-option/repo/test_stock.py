import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import stock


def printed(text, *more):
    """What `list` prints about a file with this text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "things.txt"
        path.write_text(text, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            stock.main(["list", str(path), *more])
    return said.getvalue()


class List(unittest.TestCase):
    def test_a_line_for_each(self):
        self.assertEqual(printed("3 tea\n1 milk\n"), "3\ttea\n1\tmilk\n")

    def test_nothing_of_nothing(self):
        self.assertEqual(printed(""), "")


if __name__ == "__main__":
    unittest.main()
