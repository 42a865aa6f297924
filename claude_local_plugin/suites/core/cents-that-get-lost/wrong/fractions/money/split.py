def shares(cents, people):
    return [cents / people for _ in range(people)]
