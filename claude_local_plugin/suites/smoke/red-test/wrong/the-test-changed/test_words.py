import unittest

from words import most_frequent


class MostFrequent(unittest.TestCase):
    def test_capitals_make_no_other_word(self):
        self.assertEqual(most_frequent("The cat and the dog and the Cat", 2), ["the", "and"])

    def test_nothing_has_no_words(self):
        self.assertEqual(most_frequent("", 5), [])


if __name__ == "__main__":
    unittest.main()
