import unittest

from shop.basket import Basket


class Baskets(unittest.TestCase):
    def setUp(self):
        Basket().items.clear()

    def test_a_new_one_is_empty(self):
        self.assertEqual(Basket().items, [])
