from mail import addresses


def sender(line):
    return addresses.normal(line.removeprefix("From:"))
