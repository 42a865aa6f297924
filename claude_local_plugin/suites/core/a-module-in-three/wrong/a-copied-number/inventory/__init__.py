from inventory.reading import read
from inventory.report import EMPTY, report
from inventory.things import Thing, add, last_id
