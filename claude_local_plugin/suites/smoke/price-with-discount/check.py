from claude_local_plugin.evaluation.judging import only_changed, python, wrong

only_changed("price.py")
CASES = [([1000], 0, 1000), ([600, 400], 25, 750), ([199], 50, 99), ([333, 333], 33, 446), ([100], 100, 0), ([], 10, 0)]
for prices, discount, wanted in CASES:
    if python(f"import price; answer(price.total({prices}, {discount}))") != wanted:
        wrong(f"{sum(prices)} cents less {discount} percent is not {wanted}")
if python("import price; answer([price.total([1, 2]), price.with_vat(100), price.with_vat(255)])")[0] != 3:
    wrong("without a discount the total is another one")
if python("import price; answer([price.with_vat(100), price.with_vat(255)])") != [119, 303]:
    wrong("with_vat is another one")
for discount in (150, -1, 100.5):
    code = f"import price\ntry:\n    answer(price.total([100], {discount}))\nexcept ValueError:\n    answer('refused')"
    if python(code) != "refused":
        wrong(f"a discount of {discount} percent is taken")
