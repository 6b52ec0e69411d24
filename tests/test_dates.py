"""Dates as people write them; git takes what it does not know for now."""

import pytest

from contextgraph.query.dates import is_date
from tests.conftest import Repo

DATES = [
    "2 weeks ago", "two weeks ago", "last tuesday", "yesterday", "yesterday noon", "3.days.ago", "1 year 2 months ago", "a day ago",
    "10 am yesterday", "10:30pm", "midnight", "tea", "never", "now", "last week", "Jan 5 2026", "5 January", "January 5th, 2026",
    "Mon, 5 Jan 2026 10:00:00 +0100", "2026/01/31", "2026-1-5", "2026.01.31 12:00", "1767225600", "2026-01-31T10:00Z", "30.minutes",
]  # fmt: skip
NONE = [
    "yesterweek", "last tuesday blah", "2020-13-45", "2026-02-30", "2026-02-30 12:00", "2026/13/01", "zzz", "soon", "ago", "last", "-",
    "next week", "v1.2", "HEAD~10", "2 wekks ago", "müde", "2026-00-10",
    "t9", "t2..t3", "2026-01-01T25:00:00Z", "12:75", "1..2",
]  # fmt: skip


@pytest.mark.parametrize("text", DATES)
def test_a_date(text: str) -> None:
    assert is_date(text)


@pytest.mark.parametrize("text", NONE)
def test_no_date(text: str) -> None:
    assert not is_date(text)


def test_it_is_refused_in_one_sentence(graphed: Repo) -> None:
    for option in ("--since", "--until"):
        for text in ("yesterweek", "last tuesday blah", "2020-13-45"):
            assert f"{option}: `{text}` is not a date" in graphed.cg("log", option, text, code=2).stderr
            assert f"{option}: `{text}` is not a date" in graphed.cg("search", "x", option, text, code=2).stderr
    for text in ("yesterweek", "2020-13-45"):
        assert f"--as-of: `{text}` is " in graphed.cg("log", "--as-of", text, code=2).stderr
    graphed.cg("log", "--since", "2020-01-01")
    graphed.cg("log", "--since", "last tuesday", "--until", "2 weeks ago", code=1)
