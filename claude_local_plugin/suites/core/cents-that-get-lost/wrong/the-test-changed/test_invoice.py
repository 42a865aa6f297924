import unittest

from money.invoice import invoice


class Invoices(unittest.TestCase):
    def test_everything_is_paid(self):
        self.assertAlmostEqual(sum(invoice(["Ann", "Bo", "Cy"], [60, 40]).values()), 100, delta=1)
