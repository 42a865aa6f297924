import unittest

from shop.basket import Basket
from shop.customer import Customer


class Baskets(unittest.TestCase):
    def test_a_new_one_is_empty(self):
        self.assertEqual(Basket().items, [])

    def test_an_added_item_is_in_it(self):
        basket = Basket()
        basket.add("tea")
        self.assertEqual(basket.items, ["tea"])


class Customers(unittest.TestCase):
    def test_what_was_bought_is_history(self):
        customer = Customer("Ann")
        customer.basket.add("milk")
        customer.buy()
        self.assertEqual(customer.history, [["milk"]])

    def test_a_basket_is_empty_afterwards(self):
        customer = Customer("Bo")
        customer.basket.add("bread")
        customer.buy()
        self.assertEqual(customer.basket.items, [])


if __name__ == "__main__":
    unittest.main()
