class Document:
    def __init__(self, text=""):
        self.text = text
        self._before, self._after = [], []

    def insert(self, at, text):
        self._change(self.text[:at] + text + self.text[at:])

    def delete(self, first, last):
        self._change(self.text[:first] + self.text[last:])

    def undo(self):
        if self._before:
            self._after.append(self.text)
            self.text = self._before.pop()

    def redo(self):
        if self._after:
            self._before.append(self.text)
            self.text = self._after.pop()

    def _change(self, text):
        self._before.append(self.text)
        self._after.clear()
        self.text = text
