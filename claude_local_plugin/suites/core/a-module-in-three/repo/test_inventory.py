import unittest

import inventory


class Inventory(unittest.TestCase):
    def test_a_thing_has_the_next_number(self):
        before = inventory.last_id
        self.assertEqual(inventory.add("tea").number, before + 1)

    def test_the_last_number_is_known(self):
        thing = inventory.add("milk")
        self.assertEqual(inventory.last_id, thing.number)

    def test_a_text_is_read(self):
        self.assertEqual([thing.name for thing in inventory.read("tea 2\nmilk 1")], ["tea", "milk"])

    def test_a_report_of_nothing(self):
        self.assertEqual(inventory.report([]), "nothing")


if __name__ == "__main__":
    unittest.main()
