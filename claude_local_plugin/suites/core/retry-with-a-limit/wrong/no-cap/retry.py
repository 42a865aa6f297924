def attempt(act, sleep, times=5):
    for number in range(times - 1):
        try:
            return act()
        except OSError:
            sleep(2**number)
    return act()
