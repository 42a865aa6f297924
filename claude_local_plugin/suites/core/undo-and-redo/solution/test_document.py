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


class Undo(unittest.TestCase):
    def setUp(self):
        self.document = Document("abc")
        self.document.insert(3, "d")

    def test_undo(self):
        self.document.undo()
        self.assertEqual(self.document.text, "abc")

    def test_redo(self):
        self.document.undo()
        self.document.redo()
        self.assertEqual(self.document.text, "abcd")

    def test_a_new_change_forgets_what_was_undone(self):
        self.document.undo()
        self.document.insert(0, "X")
        self.document.redo()
        self.assertEqual(self.document.text, "Xabc")


if __name__ == "__main__":
    unittest.main()
