from inventory import things
from inventory.reading import read
from inventory.report import report
from inventory.things import Thing, add


def __getattr__(name):
    if name == "last_id":
        return things.last_id
    raise AttributeError(name)
