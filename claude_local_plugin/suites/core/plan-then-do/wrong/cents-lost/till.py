class Till:
    def __init__(self):
        self.sold = []

    def add(self, name, price):
        self.sold.append((name, price))

    def total(self):
        return sum(price for _, price in self.sold)

    def tax(self):
        return round(self.total() * 19 / 119)
