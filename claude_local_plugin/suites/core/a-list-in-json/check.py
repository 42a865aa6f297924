from claude_local_plugin.evaluation.judging import document, is_exactly, only_changed, original, text

only_changed("plan.json")
document("plan.json")
wanted = original("plan.json").replace('"rest",   "minutes": 30', '"rest",   "minutes": 40', 1)
bake = '    {"name": "bake",   "minutes": 35.0, "degrees": 2.3e2},\n'
# aligned as its neighbours are, or with the one blank of the prompt
blanks = " " if '"name": "cool", "' in text("plan.json") else "   "
is_exactly("plan.json", wanted.replace(bake, f'{bake}    {{"name": "cool",{blanks}"minutes": 15}},\n', 1))
