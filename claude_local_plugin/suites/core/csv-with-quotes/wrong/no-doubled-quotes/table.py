def fields(line):
    found, quoted = [""], False
    for letter in line:
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            found.append("")
        else:
            found[-1] += letter
    return found


def column(lines, number):
    return [fields(line)[number] for line in lines[1:]]
