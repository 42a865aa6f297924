import unittest

import receipt


class Amounts(unittest.TestCase):
    def test_a_receipt(self):
        self.assertEqual(receipt.of("tea 1.00"), "tea 1.00\nTOTAL 1.00\nTAX 0.16")
