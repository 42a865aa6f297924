from datetime import timezone


def day_of(time):
    return time.astimezone(timezone.utc).date().isoformat()
