import unittest

import prices
import receipt
from till import Till


class Amounts(unittest.TestCase):
    def test_a_price(self):
        self.assertEqual(prices.read("tea 1.15"), ("tea", 115))

    def test_a_total(self):
        till = Till()
        till.add("tea", 115)
        till.add("milk", 85)
        self.assertEqual(till.total(), 200)

    def test_a_receipt(self):
        self.assertEqual(receipt.of("tea 1.15"), "tea 1.15\nTOTAL 1.15\nTAX 0.18")


if __name__ == "__main__":
    unittest.main()
