from claude_local_plugin.evaluation.judging import only_changed, python, unit_tests_notice, unit_tests_pass, wrong

only_changed("cache.py", "test_cache.py")
HEAD = "from cache import Cache\ndef keys(cache, *asked):\n    return [key for key in asked if cache.get(key) is not None]\n"
if python(HEAD + "c = Cache(2)\nfor key in 'abc': c.put(key, 1)\nanswer([keys(c, *'abc'), len(c)])") != [["b", "c"], 2]:
    wrong("it holds more than the limit, or throws out another one than the oldest")
if python(HEAD + "c = Cache(2); c.put('a', 1); c.put('b', 1); c.get('a'); c.put('c', 1); answer(keys(c, *'abc'))") != [
    "a",
    "c",
]:
    wrong("it does not throw out the one that was used longest ago")
if python(
    HEAD
    + "c = Cache(2); c.put('a', 1); c.put('b', 1); c.put('a', 2); c.put('c', 1); answer([keys(c, *'abc'), c.get('a')])"
) != [["a", "c"], 2]:
    wrong("putting a known key again is no use, or does not change it")
if python(
    HEAD + "c = Cache(2); c.put('a', 1); c.put('b', 1); c.get('x'); c.put('b', 3); answer([keys(c, *'ab'), c.get('x')])"
) != [["a", "b"], None]:
    wrong("a known key throws out another one")
if python(HEAD + "c = Cache()\nfor n in range(500): c.put(n, 1)\nanswer(len(c))") != 500:
    wrong("without a limit it does not keep everything")
unit_tests_pass(least=4)
FIFO = """
class Cache:
    def __init__(self, limit=None):
        self._limit, self._entries = limit, {}

    def put(self, key, value):
        if key not in self._entries and self._limit is not None and len(self._entries) >= self._limit:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = value

    def get(self, key):
        return self._entries.get(key)

    def __len__(self):
        return len(self._entries)
"""
unit_tests_notice("cache.py", FIFO, "that an entry goes although it was used since")
