CLEANING = 30
LONG = 7


def nights(arrival, departure):
    count = (departure - arrival).days
    if count < 1:
        raise ValueError("no night")
    return count


def price(arrival, departure, rate):
    return (nights(arrival, departure) - 1) * rate + CLEANING


def is_long(arrival, departure):
    return nights(arrival, departure) > LONG
