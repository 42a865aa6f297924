from claude_local_plugin.evaluation.judging import is_exactly, only_changed, original

only_changed("deploy.yaml")
head, service, rest = original("deploy.yaml").partition("  api:\n")
rest = rest.replace("replicas: 2   # two", "replicas: 4   # two", 1)
rest = rest.replace("      CACHE: 'on'\n", "      CACHE: 'on'\n      LOG_LEVEL: debug\n", 1)
is_exactly("deploy.yaml", head + service + rest)
