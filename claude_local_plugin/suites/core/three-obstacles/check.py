from claude_local_plugin.evaluation.judging import document, found, is_exactly, only_changed, original, wrong

only_changed("data.json", "backup/data.json", "data.lock")
if "backup/data.json" not in found():
    wrong("there is no backup")
is_exactly("backup/data.json", original("data.json"))
wanted = {
    "format": 3,
    "people": [{"name": "Ann", "born": 1980}, {"name": "Bo", "born": 1975}, {"name": "Cy", "born": None}],
}
if document("data.json") != wanted:
    wrong("data.json is not what the migration makes of the data")
if "data.lock" in found():
    wrong("the lock is still there")
