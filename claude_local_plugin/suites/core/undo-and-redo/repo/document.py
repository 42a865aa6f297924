"""A text that can be changed."""


class Document:
    """A text with changes by position."""

    def __init__(self, text=""):
        self.text = text

    def insert(self, at, text):
        """Puts a text before the character at a position."""
        self.text = self.text[:at] + text + self.text[at:]

    def delete(self, first, last):
        """Takes away the characters from first up to, and without, last."""
        self.text = self.text[:first] + self.text[last:]
