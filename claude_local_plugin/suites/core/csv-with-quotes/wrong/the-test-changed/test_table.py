import unittest

import table


class Fields(unittest.TestCase):
    def test_commas_separate(self):
        self.assertEqual(table.fields("a,b,,c"), ["a", "b", "", "c"])


if __name__ == "__main__":
    unittest.main()
