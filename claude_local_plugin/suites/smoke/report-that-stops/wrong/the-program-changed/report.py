"""Writes summary.txt: what each region sold, from sales.csv."""

totals = {}
with open("sales.csv") as file:
    for number, line in enumerate(file, start=1):
        region, _, amount = line.strip().partition(";")
        if not (amount.isascii() and amount.isdigit()):
            continue
        totals[region] = totals.get(region, 0) + int(amount)

with open("summary.txt", "w") as file:
    for region in sorted(totals):
        file.write(f"{region} {totals[region]}\n")
