from claude_local_plugin.evaluation.judging import only_changed, python, unit_tests_pass, wrong

only_changed("words.py")
unit_tests_pass(least=2)
CASES = [("B a, a. c! B, (c) c; don't", 3), ("pear fig apple fig pear apple", 2), ("", 3), ("one", 0)]
words, ties, *nothing = python(f"import words; answer([words.most_frequent(text, n) for text, n in {CASES}])")
if words != ["c", "b", "a"]:
    wrong("the most frequent words in another text are not found")
if ties != ["pear", "fig"]:
    wrong("of words that are as frequent the first in the text does not come first")
if nothing != [[], []]:
    wrong("of nothing something is found")
