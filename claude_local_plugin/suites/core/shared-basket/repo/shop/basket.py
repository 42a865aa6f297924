"""What somebody is about to buy."""


class Basket:
    """Items in the order in which they were added; a list that it is made of stays as it is."""

    def __init__(self, items=[]):
        self.items = items

    def add(self, item):
        self.items.append(item)

    def empty(self):
        self.items = []
