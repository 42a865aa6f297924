def clean(line):
    words = line.split()
    return " ".join([words[0].capitalize(), *words[1:]]) if words else ""
