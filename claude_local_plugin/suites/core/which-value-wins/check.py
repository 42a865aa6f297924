from claude_local_plugin.evaluation.judging import document, only_changed, wrong

only_changed("answer.json")
have = document("answer.json")
if not isinstance(have, dict) or set(have) != {"timeout", "retries", "colour"}:
    wrong("answer.json is no object with just the three members")
for name, wanted in {"timeout": 45, "retries": 3, "colour": "green"}.items():
    if have[name] != wanted or isinstance(have[name], bool):
        wrong(f"{name} has another value")
