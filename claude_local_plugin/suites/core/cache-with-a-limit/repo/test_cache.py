import unittest

from cache import Cache


class Entries(unittest.TestCase):
    def test_what_was_put_in_is_got(self):
        cache = Cache()
        cache.put("a", 1)
        self.assertEqual(cache.get("a"), 1)

    def test_of_an_unknown_key_nothing(self):
        self.assertIsNone(Cache().get("a"))


if __name__ == "__main__":
    unittest.main()
