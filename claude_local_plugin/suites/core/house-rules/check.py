from claude_local_plugin.evaluation.judging import only_changed, original, python, text, wrong

only_changed("weather.py", "CHANGES.txt")
for celsius, wind, wanted in ((10, 0, 10), (10, 9, 10), (10, 10, 9), (-5, 47, -9), (10, 150, -5), (10, 300, -5)):
    if python(f"import weather; answer(weather.feels_like({celsius}, {wind}))") != wanted:
        wrong(f"feels_like({celsius}, {wind}) is not {wanted}")
if python("import weather; answer([weather.fahrenheit(100), weather.mean([1, 3])])") != [212, 2]:
    wrong("another function is another one now")
if not (python("import weather; answer(weather.feels_like.__doc__ or '')").rstrip().endswith("(since 1.8)")):
    wrong("the docstring of feels_like does not end with (since 1.8), as CLAUDE.md asks for")
head, _, before = original("CHANGES.txt").partition("\n\n")
have = text("CHANGES.txt")
line = have.removeprefix(f"{head}\n\n").removesuffix(before)
if have != f"{head}\n\n{line}{before}" or line.count("\n") != 1 or not line.startswith("1.8: "):
    wrong("CHANGES.txt has not just one line more, below its heading, that begins with '1.8: '")
if "feels_like" not in line:
    wrong("the line in CHANGES.txt does not name feels_like")
