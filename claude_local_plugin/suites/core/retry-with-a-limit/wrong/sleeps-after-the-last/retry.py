def attempt(act, sleep, times=5):
    for number in range(times):
        try:
            return act()
        except OSError as error:
            last = error
            sleep(min(2**number, 30))
    raise last
