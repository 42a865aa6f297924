from claude_local_plugin.evaluation.judging import only_changed, python, wrong

only_changed("price.py")
CASES = [([1000], 0, 1000), ([600, 400], 25, 750), ([199], 50, 99), ([333, 333], 33, 446), ([100], 100, 0), ([], 10, 0)]
found = python(f"import price; answer([price.total(prices, discount) for prices, discount, _ in {CASES}])")
for (prices, discount, wanted), total in zip(CASES, found, strict=True):
    if total != wanted:
        wrong(f"{sum(prices)} cents less {discount} percent is not {wanted}")
others = "import price; answer([price.total([1, 2]), price.with_vat(100), price.with_vat(255)])"
without, *with_vat = python(others)
if without != 3:
    wrong("without a discount the total is another one")
if with_vat != [119, 303]:
    wrong("with_vat is another one")
REFUSED = (150, -1, 100.5)
taken = python(f"""
import price
taken = []
for discount in {REFUSED}:
    try:
        price.total([100], discount)
    except ValueError:
        continue
    taken.append(discount)
answer(taken)
""")
for discount in taken:
    wrong(f"a discount of {discount} percent is taken")
