CLEANING = 30
LONG = 7


def nights(arrival, departure):
    return (departure - arrival).days


def price(arrival, departure, rate):
    return nights(arrival, departure) * rate + CLEANING


def is_long(arrival, departure):
    return nights(arrival, departure) >= LONG
