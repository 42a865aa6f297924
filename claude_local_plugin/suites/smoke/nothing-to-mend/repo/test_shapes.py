import unittest

import shapes


class Areas(unittest.TestCase):
    def test_a_circle_of_no_radius_has_no_area(self):
        self.assertEqual(shapes.circle(0), 0)

    def test_a_rectangle(self):
        self.assertEqual(shapes.rectangle(2, 3), 6)


if __name__ == "__main__":
    unittest.main()
