import unittest

import shapes


class More(unittest.TestCase):
    def test_a_square(self):
        self.assertEqual(shapes.rectangle(2, 2), 4)
