import unittest

from document import Document


class Changes(unittest.TestCase):
    def test_insert(self):
        document = Document("ac")
        document.insert(1, "b")
        self.assertEqual(document.text, "abc")

    def test_delete(self):
        document = Document("abc")
        document.delete(0, 2)
        self.assertEqual(document.text, "c")


if __name__ == "__main__":
    unittest.main()
