def attempt(act, sleep, times=5):
    for number in range(times):
        try:
            return act()
        except OSError as error:
            if number == times - 1:
                raise RuntimeError(f"gave up after {times} tries") from error
            sleep(min(2**number, 30))
