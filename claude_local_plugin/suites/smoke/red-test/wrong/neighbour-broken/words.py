"""The words of a text."""

import re


def most_frequent(text, count):
    """The most frequent words in small letters; of those that are as frequent the first in the text comes first."""
    words = re.findall(r"[\w']+", text.lower())
    return sorted(sorted(set(words)), key=words.count, reverse=True)[:count]
