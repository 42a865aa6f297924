"""The words of a text."""

import re
from collections import Counter


def most_frequent(text, count):
    """The most frequent words in small letters; of those that are as frequent the first in the text comes first."""
    words = re.findall(r"[\w']+", text.lower())
    return [word for word, _ in Counter(words).most_common(count)]
