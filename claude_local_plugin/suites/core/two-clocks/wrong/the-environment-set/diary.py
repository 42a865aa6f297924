import os
import time as clock

os.environ["TZ"] = "UTC"
clock.tzset()


def day_of(time):
    return time.astimezone().date().isoformat()
