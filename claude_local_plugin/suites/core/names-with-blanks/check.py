from claude_local_plugin.evaluation.judging import changed, contents_of, only_changed, run, wrong

only_changed("collect.sh")
NAMES = ("a.txt", "two words.txt", "  .txt", "-n.txt", "q'uote.txt", "st*r.txt")
CASES = (
    ("plain names", "in", ("a.txt", "b.txt", "c.md"), 2),
    ("names with blanks", "in", ("two words.txt", "  .txt", "a.txt"), 3),
    ("names with a hyphen in front", "-in", ("-n.txt", "--help.txt"), 2),
    ("names with quotes and stars", "in dir", ("q'uote.txt", "st*r.txt", "star.txt", "$HOME.txt"), 4),
    ("a folder without any", "in", ("c.md",), 0),
)
for what, source, names, wanted in CASES:
    with changed({f"{source}/{name}": name for name in names}) as folder:
        ended = run("/bin/sh", "collect.sh", source, "new/out", folder=folder)
        made = contents_of(folder / "new/out") if (folder / "new/out").is_dir() else {}
        left = contents_of(folder / source)
    if ended.returncode != 0 or ended.stdout.strip() != str(wanted):
        wrong(f"{what}: it prints something else than {wanted}, or fails")
    if made != {name: name.encode() for name in names if name.endswith(".txt")} or set(left) != set(names):
        wrong(f"{what}: what is in the folder afterwards is something else")
ended = run("/bin/sh", "collect.sh", "nowhere", "out")
if ended.returncode != 1 or not ended.stderr.strip() or ended.stdout.strip():
    wrong("where FROM is no folder: not exit code 1, or no line on standard error alone")
