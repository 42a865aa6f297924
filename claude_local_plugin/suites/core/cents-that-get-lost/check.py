from claude_local_plugin.evaluation.judging import only_changed, python, unit_tests_pass, wrong

only_changed("money/*.py")
for cents, people in ((100, 3), (101, 3), (7, 4), (0, 5), (10, 1), (5, 7), (12345, 11)):
    shares = python(f"from money.split import shares; answer(shares({cents}, {people}))")
    if len(shares) != people or not all(isinstance(share, int) for share in shares):
        wrong(f"the shares of {cents} among {people} are no whole cents, one each")
    if sum(shares) != cents:
        wrong(f"the shares do not add up: {cents} among {people}")
    if max(shares) - min(shares) > 1:
        wrong(f"two shares of {cents} among {people} are more than a cent apart")
    if shares != sorted(shares, reverse=True):
        wrong("the first ones do not pay the odd cents")
if python("from money.invoice import invoice; answer(invoice(['a', 'b', 'c'], [100, 1]))") != {
    "a": 34,
    "b": 34,
    "c": 33,
}:
    wrong("the invoice of three is wrong")
unit_tests_pass()
