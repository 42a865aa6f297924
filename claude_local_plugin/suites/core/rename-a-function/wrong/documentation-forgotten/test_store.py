import unittest

import store


class Orders(unittest.TestCase):
    def test_a_line_is_an_order(self):
        self.assertEqual(store.read_orders("2 tea\n1 milk"), [(2, "tea"), (1, "milk")])

    def test_nothing_is_no_order(self):
        self.assertEqual(store.read_orders(""), [])
