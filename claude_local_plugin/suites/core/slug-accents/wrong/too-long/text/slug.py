import re
import unicodedata


def slug(title):
    plain = unicodedata.normalize("NFKD", title.lower().replace("ß", "ss").replace("'", ""))
    plain = plain.encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "untitled"


def title_of(slug):
    return slug.replace("-", " ").capitalize()
