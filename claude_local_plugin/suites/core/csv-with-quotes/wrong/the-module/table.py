import csv


def fields(line):
    return next(csv.reader([line]))


def column(lines, number):
    return [fields(line)[number] for line in lines[1:]]
