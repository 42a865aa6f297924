from claude_local_plugin.evaluation.judging import is_exactly, only_changed, original

only_changed("tool.toml")
wanted = original("tool.toml")
wanted = wanted.replace('    "vendor",   # not ours\n]', '    "vendor",   # not ours\n    "docs",\n]', 1)
wanted = wanted.replace("line-length   = 88", "line-length   = 100", 1)
wanted = wanted.replace("# as strict as can be,\n# since last spring\nstrict = true\n", "", 1)
is_exactly("tool.toml", wanted)
