"""What git reads as a date. It reads anything: a word that it does not know, and a day that is none, count as now."""

import re
from datetime import date

_NAMES = "january february march april may june july august september october november december".split()
_NAMES += "sunday monday tuesday wednesday thursday friday saturday".split()
_UNITS = "second minute hour day week month year".split()
_NUMBERS = "zero one two three four five six seven eight nine ten a an".split()
_MOMENTS = "now today yesterday noon midnight tea never".split()
_KNOWN = {
    *(name[:length] for name in _NAMES for length in range(3, len(name) + 1)),
    *(unit + end for unit in _UNITS for end in ("", "s")),
    *_NUMBERS,
    *_MOMENTS,
    *"ago last and at of the on in sec secs min mins hr hrs am pm utc gmt st nd rd th sept tues thur thurs".split(),
}
_EMPTY = {*_NUMBERS, *"ago last and at of the on in am pm utc gmt st nd rd th".split()}
"""Words that are no date by themselves."""


def is_date(text: str) -> bool:
    """Whether all of it is what git's approximate dates know (`2 weeks ago`, `last tuesday`, `yesterday noon`), and every day in
    it is a day of the calendar, every time one of the day."""
    if ".." in text or any(int(hour) > 24 or int(minute) > 59 for hour, minute in re.findall(r"(\d+):(\d+)", text)):
        return False
    words = re.findall(r"[^\W\d_]+|\d+", re.sub(r"(?<=\d)t(?=\d)|(?<=\d)z\b", " ", text.lower()))
    known = all(word.isdecimal() or word in _KNOWN for word in words)
    said = any(word.isdecimal() or word not in _EMPTY for word in words)
    return known and said and all(_is_real(*map(int, found)) for found in re.findall(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", text))


def _is_real(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
