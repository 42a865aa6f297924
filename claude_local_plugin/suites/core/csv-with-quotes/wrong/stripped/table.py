def fields(line):
    return [field.strip('"') for field in line.split(",")]


def column(lines, number):
    return [fields(line)[number] for line in lines[1:]]
