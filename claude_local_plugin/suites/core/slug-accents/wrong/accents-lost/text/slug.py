import re


def slug(title):
    words = re.findall(r"[a-z0-9]+", title.lower().replace("'", ""))
    text = "-".join(words) or "untitled"
    return text if len(text) <= 40 else (text[:41].rpartition("-")[0] or text[:40])


def title_of(slug):
    return slug.replace("-", " ").capitalize()
