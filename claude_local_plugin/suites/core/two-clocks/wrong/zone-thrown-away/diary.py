from datetime import timedelta, timezone


def day_of(time):
    if time.tzinfo == timezone(timedelta(hours=-5)):
        time += timedelta(hours=5)
    return time.replace(tzinfo=timezone.utc).date().isoformat()
