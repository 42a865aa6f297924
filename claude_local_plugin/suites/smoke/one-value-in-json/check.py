from claude_local_plugin.evaluation.judging import is_exactly, only_changed, original

only_changed("package.json")
wanted = original("package.json").replace('"version" : "2.3.9"', '"version" : "2.4.0"', 1)
is_exactly("package.json", wanted.replace('"minimum": "3.11"', '"minimum": "3.12"', 1))
