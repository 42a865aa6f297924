"""Who buys."""

from shop.basket import Basket


class Customer:
    """A customer with a basket, and all baskets that were bought."""

    def __init__(self, name):
        self.name = name
        self.basket = Basket()
        self.history = []

    def buy(self):
        self.history.append(list(self.basket.items))
        self.basket.empty()
