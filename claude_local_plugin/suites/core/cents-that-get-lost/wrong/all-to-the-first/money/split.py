def shares(cents, people):
    each = cents // people
    return [each + cents % people] + [each] * (people - 1)
