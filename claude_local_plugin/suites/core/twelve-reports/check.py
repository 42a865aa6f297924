from claude_local_plugin.evaluation.judging import answered, only_changed

only_changed("answer.txt")
answered("answer.txt", "july 14686")
