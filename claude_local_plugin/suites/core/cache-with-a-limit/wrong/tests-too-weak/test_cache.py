import unittest

from cache import Cache


class Entries(unittest.TestCase):
    def test_what_was_put_in_is_got(self):
        cache = Cache()
        cache.put("a", 1)
        self.assertEqual(cache.get("a"), 1)

    def test_of_an_unknown_key_nothing(self):
        self.assertIsNone(Cache().get("a"))

    def test_a_limit(self):
        cache = Cache(2)
        for key in "abc":
            cache.put(key, 1)
        self.assertEqual(len(cache), 2)

    def test_the_oldest_goes(self):
        cache = Cache(2)
        for key in "abc":
            cache.put(key, 1)
        self.assertIsNone(cache.get("a"))
