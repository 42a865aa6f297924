import unittest

from money.invoice import invoice


class Invoices(unittest.TestCase):
    def test_everything_is_paid(self):
        self.assertEqual(sum(invoice(["Ann", "Bo", "Cy"], [60, 40]).values()), 100)

    def test_the_first_pays_the_odd_cent(self):
        self.assertEqual(invoice(["Ann", "Bo", "Cy"], [60, 40])["Ann"], 34)


if __name__ == "__main__":
    unittest.main()
