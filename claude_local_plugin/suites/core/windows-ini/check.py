from claude_local_plugin.evaluation.judging import is_exactly, only_changed, original

only_changed("machine.ini")
is_exactly("machine.ini", original("machine.ini").replace("speed = 12000", "speed = 18000", 1))
