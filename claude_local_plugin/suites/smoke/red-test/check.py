from claude_local_plugin.evaluation.judging import only_changed, python, unit_tests_pass, wrong

only_changed("words.py")
unit_tests_pass(least=2)
if python("import words; answer(words.most_frequent('B a, a. c! B, (c) c; don\\'t', 3))") != ["c", "b", "a"]:
    wrong("the most frequent words in another text are not found")
if python("import words; answer(words.most_frequent('pear fig apple fig pear apple', 2))") != ["pear", "fig"]:
    wrong("of words that are as frequent the first in the text does not come first")
if python("import words; answer([words.most_frequent('', 3), words.most_frequent('one', 0)])") != [[], []]:
    wrong("of nothing something is found")
