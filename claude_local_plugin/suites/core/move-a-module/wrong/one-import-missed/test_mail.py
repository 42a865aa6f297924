import unittest

from mail.addresses import normal
from mail.receive import sender


class Addresses(unittest.TestCase):
    def test_small_letters(self):
        self.assertEqual(normal(" Ann@X.org"), "ann@x.org")

    def test_the_sender(self):
        self.assertEqual(sender("From: Bo@X.org"), "bo@x.org")
