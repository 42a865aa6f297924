from money.split import shares


def invoice(names, amounts):
    total = sum(amounts)
    found = dict(zip(names, shares(total, len(names))))
    found[names[0]] += total - sum(found.values())
    return found
