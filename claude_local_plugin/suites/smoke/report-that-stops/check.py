from claude_local_plugin.evaluation.judging import is_exactly, only_changed, original

only_changed("sales.csv", "summary.txt")
wanted = original("sales.csv").replace("south;1,250", "south;1250").replace("east;8O", "east;80")
is_exactly("sales.csv", wanted)
is_exactly("summary.txt", "east 480\nnorth 1290\nsouth 1950\n")
