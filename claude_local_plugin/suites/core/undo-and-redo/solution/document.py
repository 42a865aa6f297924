"""A text that can be changed."""


class Document:
    """A text with changes by position, each of which can be undone."""

    def __init__(self, text=""):
        self.text = text
        self._before, self._after = [], []

    def insert(self, at, text):
        """Puts a text before the character at a position."""
        self._change(self.text[:at] + text + self.text[at:])

    def delete(self, first, last):
        """Takes away the characters from first up to, and without, last."""
        self._change(self.text[:first] + self.text[last:])

    def undo(self):
        """The text as it was before the last change."""
        if self._before:
            self._after.append(self.text)
            self.text = self._before.pop()

    def redo(self):
        """The text as it was before the last undo."""
        if self._after:
            self._before.append(self.text)
            self.text = self._after.pop()

    def _change(self, text):
        if text != self.text:
            self._before.append(self.text)
            self._after.clear()
            self.text = text
