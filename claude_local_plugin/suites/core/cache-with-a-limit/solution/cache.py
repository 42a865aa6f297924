"""Values by keys."""


class Cache:
    """What was put in by its key; None where there is nothing.

    With a limit the entry that was used longest ago makes room for a new one.
    """

    def __init__(self, limit=None):
        self._limit = limit
        self._entries = {}

    def put(self, key, value):
        self._entries.pop(key, None)
        self._entries[key] = value
        if self._limit is not None and len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]

    def get(self, key):
        if key not in self._entries:
            return None
        value = self._entries[key] = self._entries.pop(key)
        return value

    def __len__(self):
        return len(self._entries)
