import unittest

from mail.receive import sender
from util import normal


class Addresses(unittest.TestCase):
    def test_small_letters(self):
        self.assertEqual(normal(" Ann@X.org"), "ann@x.org")

    def test_the_sender(self):
        self.assertEqual(sender("From: Bo@X.org"), "bo@x.org")


if __name__ == "__main__":
    unittest.main()
