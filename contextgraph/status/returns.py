"""What says that it came back after it was reverted, other than by undoing its reverter whole: by its own title, by its number, or against
its reverter. The diffs decide each time; what came back without a word is found in the files (`standing`)."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from sqlite3 import Connection

from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status import places, undoing
from contextgraph.status.diffs import changes, first_parent
from contextgraph.status.naming import number_of
from contextgraph.status.reverts import MENTIONED, REVERTED, Pair

AGAIN = 0.5
"""Share of a reverted change's lines that must stand once more where nothing but the lines says that it came back, or where a part of its
reverter is undone."""
NAMED = 0.25
"""The same of a later commit that has its title, or names its pull request: between the two were 13 in eleven histories, each the same
change reworked; below a fifth most have nothing but the title."""
NEAREST = 5
"""Later commits with the title of a reverted one that are looked at: 142 of 145 that brought one back in five histories
were among the first five."""
COMMON, COMMONLY = 5, 0.75
"""Changes of one title, picks not counted, from which it is common (one that is made again after each revert has fewer), and the share
of lines that a later one of it must repeat in the very same files: a version that goes up repeats what it removes."""
APART = 20
"""Characters by which titles may differ in length and be one: numbers of pull requests, the kind of change."""
LONGEST = 300
"""Characters of a title that are compared."""
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\(?[#!]\d+\)?")
_KIND = re.compile(r"\A(?!revert)\w+(?:\([^()]*\))?!?: ", re.IGNORECASE)
_TIME = r"(?:take|attempt|try) (?:\d|two|three)\b|(?:2nd|3rd|second|third) (?:try|attempt|time)\b"
_ONCE_MORE = re.compile(
    rf"\A(?:\W*(?:re-?land|re-?appl(?:y|ies)|re-?(?:introduc|instat|submit)|restor|roll(?:ing|ed)?[ -]?forward|{_TIME})\w*(?:\([^()]*\))?"
    r"(?:\W+of\b|\W+with\b[^:]{0,40}:)?\W+)+(?:revert\W+)*",
    re.IGNORECASE,
)
_AT_LAST = re.compile(rf"(?<=\w)\W+(?:v\d|again|(?<=\()again\b[^()]*|re-?land(?:ed)?|{_TIME})\W*\Z", re.IGNORECASE)
_TITLED = "k.kind = 'titled' AND k.sha"
_REVERTED = f"FROM reverts r JOIN commits v ON v.sha = r.reverter AND r.extent >= {MENTIONED} JOIN commits t"
_WORDS = ("land", "appl", "introduc", "instat", "submit", "restor", "forward", "take", "attempt", "try", "time", "again", " v", "(v")


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
    against = set(_against_its_reverter(database, known))
    claimed = {*_by_its_number(database, known), *against}
    titled = set(_under_its_title(database, known)) - claimed
    common = set(_of_common_title(database, titled))
    claimed |= titled
    lines = dict(changes(database, git, {sha for pair in claimed for sha in pair}))
    share = {(new, old): undoing.repeated(lines[old], lines[new]) for new, old in claimed if new in lines and old in lines}
    found = {pair for pair, repeated in share.items() if repeated >= (AGAIN if pair in against else NAMED)}
    less = [pair for pair, repeated in share.items() if pair in against and repeated >= MENTIONED and pair not in found]
    found |= set(_with_the_rest(database, git, less, lines))
    found -= {(new, old) for new, old in found & common if (lines[old] & lines[new]).total() < COMMONLY * lines[old].total()}
    whole = _as_a_whole(database, found | claimed - common) - found
    lines = dict(changes(database, git, {sha for pair in whole for sha in pair}))
    found |= {(new, old) for new, old in whole if new in lines and old in lines and undoing.repeated(lines[old], lines[new]) >= AGAIN}
    with database.transaction() as connection:
        connection.executemany("INSERT OR IGNORE INTO claims VALUES (?, 'again', ?)", sorted(found))


def _with_the_rest(database: Database, git: Git, pairs: list[Pair], lines: dict[str, Counter[undoing.Change]]) -> Iterator[Pair]:
    """Those whose later commit completes what others had restored: its files have all of the change, and before it they had not."""
    before = {(new, old): (parent, old) for new, old in pairs if (parent := first_parent(database, new))}
    stood, stands = (
        {pair for pair, share in places.staying(database, git, asked, lines) if share >= REVERTED}
        for asked in (list(before.values()), list(before))
    )
    yield from (pair for pair in stands if before[pair] not in stood)


def _as_a_whole(database: Database, found: set[Pair]) -> set[Pair]:
    """(what brought it in again, the reverted merge that had brought it in) for each commit that came back or says so: the merge on the
    branch itself, or one within that, whose revert undid the commit."""
    query = (
        "SELECT n.landing, o.landing FROM commits o JOIN commits n ON n.sha = :new WHERE o.sha = :old AND o.landing <> o.sha"
        " AND n.landing <> o.landing AND EXISTS (SELECT 1 FROM reverts WHERE target = o.landing AND extent >= :least)"
        " UNION SELECT n.landing, m.sha FROM reverts c JOIN reverts r ON r.reverter = c.reverter JOIN commits m ON m.sha = r.target"
        " JOIN commits n ON n.sha = :new WHERE c.target = :old AND c.target <> r.target AND instr(m.parents, ' ')"
        " AND n.landing <> m.landing AND r.extent >= :least"
    )
    asked = ({"new": new, "old": old, "least": REVERTED} for new, old in found)
    return {pair for each in asked for pair in database.connection.execute(query, each)}


def _under_its_title(database: Database, known: int) -> Iterator[Pair]:
    """(later commit, reverted one) of one title. Of a reverted merge what it brought in counts as well, under either title, and another
    merge of a pull request of its title."""
    connection = database.connection
    commits = "SELECT c.sha, c.subject, c.commit_time, 0 FROM commits c WHERE c.id > :known"
    # From a few new commits to their claims; for a whole history SQLite goes through the claims themselves.
    join = "CROSS JOIN" if known else "JOIN"
    merges = f"SELECT c.sha, k.target, c.commit_time, 1 FROM commits c {join} claims k ON {_TITLED} = c.sha WHERE c.id > :known"
    later = sorted(connection.execute(f"{commits} UNION ALL {merges}", {"known": known}), key=lambda row: row[2])
    words = [words_of(subject) for _, subject, *_ in later]
    often = Counter(chain.from_iterable(words))
    titles: dict[tuple[str, int], set[tuple[str, int]]] = {}
    for subject, merge, sha, when in chain(reverted_titles(connection), _brought_titles(connection)) if later else ():
        # A day's commits share their words with few of all that was ever reverted.
        if any(word in often for word in words_of(subject)) and (title := bare(subject)):
            titles.setdefault((title, merge), set()).add((sha, when))
    rarest: dict[str, list[set[str]]] = {}
    for title in {title for title, _ in titles}:
        rarest.setdefault(min(title.split(), key=often.__getitem__), []).append(set(title.split()))
    taken: Counter[tuple[str, int]] = Counter()
    for (sha, subject, when, merge), its in zip(later, words, strict=True):
        near = chain.from_iterable(map(rarest.__getitem__, rarest.keys() & its))
        for each in titles.get((bare(subject), merge), ()) if any(map(set(its).issuperset, near)) else ():
            old, reverted = each
            if when > reverted and sha != old and taken[each] < NEAREST:
                taken[each] += 1
                yield sha, old


def _of_common_title(database: Database, pairs: set[Pair]) -> Iterator[Pair]:
    """Those whose title many changes have, as a robot gives it."""
    connection = database.connection
    common: dict[str, bool] = {}
    for new, old in sorted(pairs):
        subject = connection.execute("SELECT subject FROM commits WHERE sha = ?", (new,)).fetchone()[0]
        if subject not in common:
            title = bare(subject)
            phrase = " ".join(f'"{word}"' for word in title.split()[:12])
            query = "SELECT c.subject, c.author_time FROM words JOIN commits c ON c.id = words.rowid WHERE words MATCH ?"
            query += f" AND abs(length(c.subject) - ?) <= {APART}"
            rows = connection.execute(query, (f"subject: ({phrase})", len(subject))) if phrase else iter(())
            times: set[int] = set()
            while len(times) <= COMMON and (row := next(rows, None)):
                if bare(row[0]) == title:
                    times.add(row[1])
            common[subject] = len(times) > COMMON
        if common[subject]:
            yield new, old


def reverted_titles(connection: Connection) -> Iterator[tuple[str, int, str, int]]:
    """(title, whether it is that of a pull request, commit, time of its reverter) of all that was ever reverted by itself."""
    query = f"SELECT t.subject, k.target, t.sha, v.commit_time {_REVERTED} ON t.sha = r.target LEFT JOIN claims k ON {_TITLED} = t.sha"
    for own, pull, sha, when in connection.execute(query):
        yield own, 0, sha, when
        if pull:
            yield pull, 1, sha, when


def _brought_titles(connection: Connection) -> Iterator[tuple[str, int, str, int]]:
    """The same of all that came in with a merge that was ever reverted."""
    brought = f"{_REVERTED} ON t.landing = r.target AND t.landing <> t.sha JOIN commits m ON m.sha = r.target"
    for own, merge, sha, when in connection.execute(f"SELECT t.subject, m.subject, t.sha, v.commit_time {brought}"):
        yield own, 0, sha, when
        yield merge, 0, sha, when


def _by_its_number(database: Database, known: int) -> Iterator[Pair]:
    """(later commit, reverted one) where the later one says that it is done once more and names the pull request that had brought it:
    `Restore #290`."""
    query = "SELECT sha, subject, commit_time FROM commits WHERE id > ? AND subject LIKE '%#%'"
    rows = [row for row in database.connection.execute(query, (known,)) if _ONCE_MORE.match(_KIND.sub("", row[1]))]
    brought: dict[str, set[tuple[str, int]]] = {}
    query = (
        "SELECT t.sha, t.subject, m.subject, v.commit_time FROM reverts r JOIN commits v ON v.sha = r.reverter JOIN commits t ON {}"
        " JOIN commits m ON m.sha = t.landing WHERE r.extent >= ?"
    )
    for condition in ("t.sha = r.target", "t.landing = r.target AND t.landing <> t.sha") if rows else ():
        for sha, own, merge, when in database.connection.execute(query.format(condition), (REVERTED,)):
            for number in filter(None, map(number_of, (own, merge))):
                brought.setdefault(number, set()).add((sha, when))
    for new, subject, when in rows:
        for number in re.findall(r"#\d+", subject):
            yield from ((new, old) for old, reverted in brought.get(number, ()) if when > reverted and new != old)


def _against_its_reverter(database: Database, known: int) -> list[Pair]:
    """(later commit, reverted one) where the later says that it undoes the reverter, and undoes a part."""
    query = (
        "SELECT n.reverter, t.sha FROM commits c CROSS JOIN reverts n ON c.sha = n.reverter AND c.id > :known"
        " JOIN reverts r ON r.reverter = n.target AND r.extent >= :whole JOIN commits t"
    )
    asked = {"known": known, "whole": REVERTED}
    where = "WHERE n.rule IN ('declared', 'mentioned') AND n.extent < :whole"
    return [
        pair
        for condition in ("t.sha = r.target", "t.landing = r.target AND t.landing <> t.sha")
        for pair in database.connection.execute(f"{query} ON {condition} {where}", asked)
    ]


def words_of(title: str) -> list[str]:
    """Every word that may be left of a title when it is compared; quickly found, for there are as many titles as commits."""
    return _WORD.findall(title[:LONGEST].casefold())


def bare(title: str) -> str:
    """The words of a title without the numbers of pull requests, the kind of change, and what says that it is done once more."""
    title = _NUMBER.sub(" ", " ".join(title[:LONGEST].split()))
    title = _KIND.sub("", title)
    if any(word in title.casefold() for word in _WORDS):
        title = _AT_LAST.sub("", _KIND.sub("", _ONCE_MORE.sub("", title)))
    return " ".join(_WORD.findall(title.casefold()))
