import unittest

import table


class Fields(unittest.TestCase):
    def test_commas_separate(self):
        self.assertEqual(table.fields("a,b,,c"), ["a", "b", "", "c"])

    def test_a_comma_in_quotes_does_not(self):
        self.assertEqual(table.fields('1,"Smith, Ann",2'), ["1", "Smith, Ann", "2"])

    def test_a_column(self):
        self.assertEqual(table.column(["name,age", '"Smith, Ann",50', "Bo,6"], 1), ["50", "6"])


if __name__ == "__main__":
    unittest.main()
