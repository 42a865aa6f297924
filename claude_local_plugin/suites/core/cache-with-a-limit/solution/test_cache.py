import unittest

from cache import Cache


class Entries(unittest.TestCase):
    def test_what_was_put_in_is_got(self):
        cache = Cache()
        cache.put("a", 1)
        self.assertEqual(cache.get("a"), 1)

    def test_of_an_unknown_key_nothing(self):
        self.assertIsNone(Cache().get("a"))


class Limit(unittest.TestCase):
    def setUp(self):
        self.cache = Cache(2)
        self.cache.put("a", 1)
        self.cache.put("b", 2)

    def test_a_third_throws_out_the_first(self):
        self.cache.put("c", 3)
        self.assertIsNone(self.cache.get("a"))
        self.assertEqual(len(self.cache), 2)

    def test_what_was_used_since_stays(self):
        self.cache.get("a")
        self.cache.put("c", 3)
        self.assertEqual(self.cache.get("a"), 1)
        self.assertIsNone(self.cache.get("b"))


if __name__ == "__main__":
    unittest.main()
