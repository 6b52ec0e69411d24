"""What came back after it was reverted, other than by undoing its reverter whole: under its own title, against its reverter, or
without a word. The diffs decide each time."""

import re
from collections.abc import Iterator

from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status import undoing
from contextgraph.status.reverts import FEWEST_LINES, REVERTED, WINDOW, Pair, changes

AGAIN = 0.5
"""Share of a reverted change's lines that a later commit which claims it must repeat to be that change once more, reworked: of 30
in git.git whose lines stood again after their revert, 13 came back so."""
SILENT = 0.9
"""The same share where nothing is said, and only the paths agree."""
NEAREST = 3
"""Later commits with the paths of a reverted one that are looked at: of 127 that brought one back in four histories, 113 were the first of
them and 10 the next two."""
LONGEST = 300
"""Characters of a title that are compared."""
_NUMBER = re.compile(r"\(?[#!]\d+\)?")
_KIND = re.compile(r"\A(?!revert)\w+(?:\([^()]*\))?!?: ", re.IGNORECASE)
_TIME = r"(?:take|attempt|try) (?:\d|two|three)\b|(?:2nd|3rd|second|third) (?:try|attempt|time)\b"
_ONCE_MORE = re.compile(
    rf"\A(?:\W*(?:re-?land|re-?appl(?:y|ies)|roll(?:ing|ed)?[ -]?forward|{_TIME})\w*(?:\([^()]*\))?"
    r"(?:\W+of\b|\W+with\b[^:]{0,40}:)?\W+)+(?:revert\W+)*",
    re.IGNORECASE,
)
_AT_LAST = re.compile(rf"(?<=\w)\W+(?:v\d|again|{_TIME})\W*\Z", re.IGNORECASE)
_WORDS = ("land", "appl", "forward", "take", "attempt", "try", "time", "again", " v", "(v")


def sync(database: Database, git: Git) -> None:
    """Look at the commits indexed since the last time."""
    known = int(database.get("returns") or 0)
    newest = database.connection.execute("SELECT coalesce(max(id), 0) FROM commits").fetchone()[0]
    if known != newest:
        look(database, git, known)
        with database.transaction():
            database.put("returns", str(newest))


def look(database: Database, git: Git, known: int) -> None:
    """Keep what of all that was ever reverted came back with the commits that have an id over `known`."""
    claimed = {*_under_its_title(database, known), *_against_its_reverter(database, known)}
    silent = set(_without_a_word(database, known)) - claimed
    lines = dict(changes(database, git, {sha for pair in claimed | silent for sha in pair}))
    least = dict.fromkeys(silent, SILENT) | dict.fromkeys(claimed, AGAIN)
    heavy = {old for _, old in silent if old in lines and undoing.weight(lines[old]) >= FEWEST_LINES}
    found = [
        (new, old)
        for (new, old), share in least.items()
        if new in lines and old in lines and (old in heavy or share == AGAIN) and undoing.repeated(lines[old], lines[new]) >= share
    ]
    with database.transaction() as connection:
        connection.executemany("INSERT OR IGNORE INTO claims VALUES (?, 'again', ?)", found)


def _under_its_title(database: Database, known: int) -> Iterator[Pair]:
    """(later commit, reverted one) of one title. Of a reverted merge what it brought in counts as well, under either title, and
    the merge comes back with the merge that brings it in again."""
    connection = database.connection
    later = connection.execute("SELECT sha, subject, commit_time, landing FROM commits WHERE id > ?", (known,)).fetchall()
    begins = {_begin(subject) for _, subject, _, _ in later}
    titles: dict[str, set[tuple[str, str, int]]] = {}
    columns = f"v.commit_time FROM reverts r JOIN commits v ON v.sha = r.reverter AND r.extent >= {REVERTED} JOIN commits t"
    for query in (
        f"SELECT t.subject, t.sha, t.sha, {columns} ON t.sha = r.target",
        f"SELECT t.subject, t.sha, r.target, {columns} ON t.landing = r.target AND t.landing <> t.sha",
        f"SELECT m.subject, t.sha, t.sha, {columns} ON t.landing = r.target AND t.landing <> t.sha JOIN commits m ON m.sha = r.target",
    ):
        for subject, sha, whole, when in connection.execute(query) if later else ():
            if _begin(subject) in begins:  # a day's commits share their titles with few of all that was ever reverted
                titles.setdefault(_bare(subject), set()).add((sha, whole, when))
    for sha, subject, when, landing in later if titles else ():
        for old, whole, reverted in titles.get(_bare(subject), ()):
            if when > reverted:
                yield sha, old
                if whole != old and landing:
                    yield landing, whole


def _against_its_reverter(database: Database, known: int) -> list[Pair]:
    """(later commit, reverted one) where the later says that it undoes the reverter, and undoes a part."""
    query = (
        "SELECT n.reverter, t.sha FROM reverts n JOIN commits c ON c.sha = n.reverter AND c.id > :known"
        " JOIN reverts r ON r.reverter = n.target AND r.extent >= :whole JOIN commits t"
    )
    asked = {"known": known, "whole": REVERTED}
    where = "WHERE n.rule IN ('declared', 'mentioned') AND n.extent < :whole"
    return [
        pair
        for condition in ("t.sha = r.target", "t.landing = r.target AND t.landing <> t.sha")
        for pair in database.connection.execute(f"{query} ON {condition} {where}", asked)
    ]


def _without_a_word(database: Database, known: int) -> Iterator[Pair]:
    """(later commit, reverted one) where the later one, soon after the revert, changes the very same paths."""
    rows = database.connection.execute(
        "SELECT n.sha, t.sha FROM reverts r JOIN commits v ON v.sha = r.reverter AND r.extent >= :whole JOIN commits t ON t.sha = r.target"
        " JOIN commits n ON n.paths = t.paths AND n.paths IS NOT NULL AND n.id > :known"
        " AND n.commit_time > v.commit_time AND n.commit_time - v.commit_time <= :window ORDER BY n.commit_time",
        {"known": known, "whole": REVERTED, "window": WINDOW},
    )
    taken: dict[str, int] = {}
    for new, old in rows:
        taken[old] = taken.get(old, 0) + 1
        if taken[old] <= NEAREST:
            yield new, old


def _begin(title: str) -> str:
    """The first word of what is compared, found quickly where nothing stands before it."""
    word = next(iter(title.split(None, 1)), "").casefold()
    return word if word.isalnum() and word[:2] not in ("re", "ro", "ta") else next(iter(_bare(title).split(None, 1)), "")


def _bare(title: str) -> str:
    """The words of a title without the numbers of pull requests, the kind of change, and what says that it is done once more."""
    title = _NUMBER.sub(" ", " ".join(title[:LONGEST].split()))
    title = _KIND.sub("", title)
    if any(word in title.casefold() for word in _WORDS):
        title = _AT_LAST.sub("", _KIND.sub("", _ONCE_MORE.sub("", title)))
    return " ".join(re.findall(r"\w+", title.casefold()))
