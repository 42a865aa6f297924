import settings
from store import read_orders

LIMIT = settings.read_orders("limit=100")["limit"]


def total(text):
    return sum(count for count, _ in read_orders(text))
