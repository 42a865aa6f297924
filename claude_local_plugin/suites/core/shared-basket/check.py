from claude_local_plugin.evaluation.judging import only_changed, python, unit_tests_pass, wrong

only_changed("shop/*.py")
unit_tests_pass(least=4)
HEAD = "from shop.basket import Basket\nfrom shop.customer import Customer\n"
if python(HEAD + "a, b = Basket(), Basket(); a.add('x'); answer([a.items, b.items])") != [["x"], []]:
    wrong("what is put into one basket is in another one")
code = "a, b = Customer('a'), Customer('b'); a.basket.add('x'); a.buy(); answer([a.history, b.history, a.basket.items])"
if python(HEAD + code) != [[["x"]], [], []]:
    wrong("the history of a customer is another one's, or the basket is not empty after buying")
if python(HEAD + "given = ['x']; a = Basket(given); a.add('y'); answer([given, a.items])") != [["x"], ["x", "y"]]:
    wrong("the list that a basket was made of is changed by it")
