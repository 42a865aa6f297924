"""Brings data.json to format 3."""

import json
import sys
from pathlib import Path

data, backup, lock = Path("data.json"), Path("backup/data.json"), Path("data.lock")

if lock.exists():
    sys.exit("data.lock is there: a run was ended in its middle on Monday. Remove it if no other run is going on.")
if not backup.exists() or backup.stat().st_mtime < data.stat().st_mtime:
    sys.exit("no backup/data.json that is as new as data.json: run `python3 make_backup.py` first")
content = json.loads(data.read_text())
if content["format"] == 1:
    people = []
    for name, born in content["people"].items():
        people.append({"name": name, "born": None if born == "?" else born})
    content = {"format": 3, "people": people}
    data.write_text(json.dumps(content, indent=2) + "\n")
print(f"the data has format {content['format']}")
