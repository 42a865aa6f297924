from claude_local_plugin.evaluation.judging import only_changed, python, wrong

only_changed("booking.py")
HEAD = "from datetime import date\nimport booking\nd = lambda m, n: date(2024, m, n)\n"
if python(HEAD + "answer([booking.nights(d(5, 1), d(5, 3)), booking.nights(d(2, 28), d(3, 1))])") != [2, 2]:
    wrong("nights is wrong")
if python(HEAD + "answer([booking.price(d(5, 1), d(5, 3), 80), booking.price(d(5, 1), d(5, 2), 80)])") != [190, 110]:
    wrong("the price of two nights, or of one, is wrong")
if python(HEAD + "answer([booking.is_long(d(5, 1), d(5, 7)), booking.is_long(d(5, 1), d(5, 8))])") != [False, True]:
    wrong("is_long is wrong for six or seven nights")
for what, first, last in (("of no night", 3, 3), ("that goes backwards", 3, 1)):
    code = f"try:\n    answer(booking.nights(d(5, {first}), d(5, {last})))\nexcept ValueError:\n    answer('refused')"
    if python(HEAD + code) != "refused":
        wrong(f"a booking {what} is taken")
