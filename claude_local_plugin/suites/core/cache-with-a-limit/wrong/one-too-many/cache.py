class Cache:
    def __init__(self, limit=None):
        self._limit = limit
        self._entries = {}

    def put(self, key, value):
        if self._limit is not None and len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]
        self._entries.pop(key, None)
        self._entries[key] = value

    def get(self, key):
        if key in self._entries:
            self._entries[key] = self._entries.pop(key)
        return self._entries.get(key)

    def __len__(self):
        return len(self._entries)
