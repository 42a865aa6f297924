from inventory.things import *
