import re
import unicodedata


def slug(title):
    plain = unicodedata.normalize("NFKD", title.lower().replace("ß", "ss").replace("'", ""))
    plain = plain.encode("ascii", "ignore").decode()
    text = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return text if len(text) <= 40 else (text[:41].rpartition("-")[0] or text[:40])


def title_of(slug):
    return slug.replace("-", " ").capitalize()
