def read(line):
    name, price = line.split()
    return name, int(float(price) * 100)
