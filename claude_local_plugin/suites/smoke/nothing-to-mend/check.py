from claude_local_plugin.evaluation.judging import only_changed

only_changed()
