import lib.dates
import lib.words

ACTIONS = {"shout": "loud"}

print(lib.dates.day(1), getattr(lib.words, ACTIONS["shout"])("tea"), lib.words.count("green tea"))
