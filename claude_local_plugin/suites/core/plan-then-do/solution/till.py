"""Adding up."""


class Till:
    """What was bought, in cents."""

    def __init__(self):
        self.sold = []

    def add(self, name, price):
        self.sold.append((name, price))

    def total(self):
        return sum(price for _, price in self.sold)

    def tax(self):
        """What of the total is tax: 19 of 119 parts."""
        return round(self.total() * 19 / 119)
