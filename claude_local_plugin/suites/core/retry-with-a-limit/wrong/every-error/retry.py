def attempt(act, sleep, times=5):
    for number in range(times - 1):
        try:
            return act()
        except Exception:
            sleep(min(2**number, 30))
    return act()
