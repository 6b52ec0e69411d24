"""How much of one commit another undoes, from their diffs; one git process for any number of commits."""

import posixpath
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from hashlib import blake2b

from contextgraph import promised
from contextgraph.commits import text
from contextgraph.errors import GitError
from contextgraph.git import Git

LARGEST = 200_000
"""Different changed lines of a commit that are looked at; beyond that its share is taken over those."""
MOST_PATHS = 1_000
"""Paths that a diff is limited to; of more it is quicker to read all, and a command line holds so many."""
MOVED = 0.25
"""Share of a file's changed lines that must stand in a file of another name for that to be where it went: in nine histories what moved
had more, and chance (braces, `end`, `return`) up to 0.11."""
SAYING = 6
"""Letters and digits of a line that is not there by chance."""
NAMED = 3
"""Lines that must stand in a file of the same name, where they are less: of two such files in thirteen histories the one with 3 had moved,
the one with 1 (an `index.js`, `throw new Error(`) had not."""
Change = tuple[str, str, str]
"""(path, "+" or "-", line without the white space around it)."""
_LOCKS = ("Cargo.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "poetry.lock", "uv.lock", "Gemfile.lock", "go.sum")
_EMPTY = (b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", b"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813")
"""The objects of an empty file, in SHA-1 and in SHA-256."""
_OPPOSITE = {"+": "-", "-": "+"}
_PLANS = re.compile(r"(?:\A|/)(?:(?:TODO|ROADMAP|(?:KNOWN[-_])?(?:BUGS|ISSUES))(?:[-_.][\w.-]*)?|todo(?:\.(?:md|txt|rst|org|adoc))?)\Z")
_VERSION = re.compile(
    r"\d+(?:\.\d+)+(?:[-.+_]?\w+)*|\d+[-.+_]?(?:dev|alpha|beta|rc|snapshot|final|pre|post)\w*|\bunreleased\b|\d{4}-\d\d-\d\d"
    r"|\b(?:dev|alpha|beta|rc|snapshot)\d*\b"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2},? \d{4}",
    re.IGNORECASE,
)
"""A version, and when it was or is to be released."""


def changes(
    git: Git, commits: Iterable[tuple[str, str | None]], largest: int = LARGEST, within: Iterable[str] = (), only: Collection[str] = ()
) -> Iterator[tuple[str, Counter[Change]]]:
    """The changed lines of each (commit, first parent or None), `largest` different ones at most, blank ones left out.

    `within`: only files of these names, in whatever folder; `only`: these paths alone, which is much quicker. A commit that touches none
    of them is left out.
    """
    asked = "".join(f"{sha} {parent}\n" if parent else f"{sha}\n" for sha, parent in commits).encode()
    options = ("-p", "-U0", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv", "--root", "--full-index", "--no-prefix")
    sha, found, path, sizes = "", Counter[Change](), "", (0, 0)
    objects: list[bytes] = []
    names = [":(glob)**/" + re.sub(r"([*?[\\])", r"\\\1", each) for each in within]
    names += [f":(literal){path}" for path in only] if len(only) <= MOST_PATHS else []
    promised.bring(git, asked, names)
    for line in git.stream("diff-tree", "--stdin", *options, "--", *names, stdin=asked, separator=b"\n"):
        removed, added = sizes
        if (removed and line[:1] == b"-") or (added and line[:1] == b"+"):
            sizes = (removed - 1, added) if line[:1] == b"-" else (removed, added - 1)
            words = text(line[1:]).strip()
            if words and len(found) < largest:
                found[(path, line[:1].decode(), words)] += 1
        elif line[:2] == b"@@":
            sizes = _sizes(line)
        elif line[:11] == b"diff --git ":
            path, sizes = _path(line), (0, 0)
        elif len(line) in (40, 64) and not line.strip(b"0123456789abcdef"):
            if sha:
                yield sha, found
            sha, found, path, sizes = line.decode(), Counter[Change](), "", (0, 0)
        else:
            objects = line[6:].split(b" ")[0].split(b"..") if line[:6] == b"index " else objects
            found.update(_without_lines(path, line, objects))
    if sha:
        yield sha, found


def readable(
    git: Git, commits: Iterable[tuple[str, str | None]], largest: int = LARGEST, within: Iterable[str] = (), only: Collection[str] = ()
) -> Iterator[tuple[str, Counter[Change]]]:
    """As `changes`, without the commits whose objects are lost; those only promised raise GitError, for they may come yet."""
    left = list(commits)
    while left:
        last = None
        try:
            for last, change in changes(git, left, largest, within, only):
                yield last, change
            return
        except GitError as error:
            if "promisor" in error.message:
                raise
        # Git stops at the first object that it cannot read: what follows the last whole answer is left out.
        names = [sha for sha, _ in left]
        left = left[names.index(last) + 2 if last else 1 :]


def _without_lines(path: str, header: bytes, objects: list[bytes]) -> Iterator[Change]:
    """What a header line of a diff says of a change that has no lines: a mode, an empty file, a binary one (its objects)."""
    if header[:8] in (b"old mode", b"new mode"):
        yield path, "-" if header[:3] == b"old" else "+", text(header[4:])
    binary = header[:13] == b"Binary files "
    if binary or header[:6] == b"index ":
        pairs = zip("-+", objects, strict=False)
        yield from ((path, sign, name.decode()) for sign, name in pairs if binary or name in _EMPTY)


def written(change: Counter[Change]) -> Counter[Change]:
    """A change without what a tool wrote into its lock file: that is no part of what was done, unless it is all."""
    return Counter({line: count for line, count in change.items() if not line[0].endswith(_LOCKS)}) or change


def extent(target: Counter[Change], reverter: Counter[Change]) -> float:
    """The share of the target's changed lines that the reverter undoes, 0 to 1: what was added is removed, and the reverse."""
    total = written(target).total()
    return undone(target, reverter).total() / total if total else 0.0


def left(target: Counter[Change], reverter: Counter[Change]) -> Counter[Change]:
    """The target's changed lines that the reverter does not undo.

    A file that the reverter does not know may have moved since: its lines count where they stand in a file that the target
    does not know, with some of the lines in one of the same name, or with a good part of them. A line here and a line there is chance,
    and one that says nothing is in every file.
    """
    here, there = _files(target), _files(reverter)
    places: dict[tuple[str, str], list[str]] = {}
    for other in there.keys() - here.keys() if here.keys() - there.keys() else ():
        for line in there[other]:
            places.setdefault(line, []).append(other)
    found: Counter[Change] = Counter()
    for path, lines in sorted(here.items(), key=lambda each: -each[1].total()):
        undoes = there[path] if path in there else _moved(path, lines, there, places)
        for (sign, words), count in lines.items():
            undone = min(count, undoes[(_OPPOSITE[sign], words)])
            if path not in there:
                undoes[(_OPPOSITE[sign], words)] -= undone
            if count > undone:
                found[(path, sign, words)] = count - undone
    return found


def undone(target: Counter[Change], reverter: Counter[Change]) -> Counter[Change]:
    """The target's changed lines that the reverter undoes."""
    target = written(target)
    return target - left(target, reverter)


Lines = Counter[tuple[str, str]]
"""What changed in one file: ("+" or "-", line) and how often."""


def _files(change: Counter[Change]) -> dict[str, Lines]:
    files: dict[str, Lines] = {}
    for (path, sign, words), count in change.items():
        if path not in files:
            files[path] = Counter()
        files[path][(sign, words)] = count
    return files


def _moved(path: str, lines: Lines, files: dict[str, Lines], places: dict[tuple[str, str], list[str]]) -> Lines:
    """What was undone in the file that `path` became, if one of `files` can be that; `places` tells which of them have a line."""
    shares: Counter[str] = Counter()
    lines = Counter({line: count for line, count in lines.items() if says(line[1])}) or lines
    for (sign, words), count in lines.items():
        undoing = (_OPPOSITE[sign], words)
        for other in places.get(undoing, ()):
            shares[other] += min(count, files[other][undoing])
    name, least = posixpath.basename(path), MOVED * lines.total()
    fitting = [(share, posixpath.basename(other) == name, other) for other, share in shares.items()]
    fitting = [each for each in fitting if each[0] >= least or (each[1] and each[0] >= NAMED)]
    return files[max(fitting)[2]] if fitting else Counter()


def says(words: str) -> bool:
    """Whether a line says enough to be told from others."""
    return len(re.findall(r"\w", words)) >= SAYING


def composed(changes: Iterable[Counter[Change]]) -> Counter[Change]:
    """What several changes do together: a line that one adds and another removes is neither."""
    net: Counter[tuple[str, str]] = Counter()
    for change in changes:
        for (path, sign, words), count in change.items():
            net[(path, words)] += count if sign == "+" else -count
    return Counter({(path, "+" if count > 0 else "-", words): abs(count) for (path, words), count in net.items() if count})


def repeated(before: Counter[Change], again: Counter[Change]) -> float:
    """The share of a change's lines that another one changes in the same way, 0 to 1; where a file has moved in between as well."""
    return extent(before, Counter({(path, _OPPOSITE[sign], words): count for (path, sign, words), count in again.items()}))


def weight(change: Counter[Change]) -> int:
    """Changed lines of a change that says something; 0 for one that only moves, reformats or numbers.

    Such a change has the same words on both sides, versions and their dates left out: a second move, a formatter that is run again, a
    version that toggles or a release that is cleaned up after looks like the inverse of an earlier one without undoing anything. Nor is
    a plan undone that is taken off the list.
    """
    change = Counter({line: count for line, count in change.items() if not _PLANS.search(line[0])})
    sides: dict[str, Counter[str]] = {"+": Counter(), "-": Counter()}
    versions = True
    for (_, sign, words), count in change.items():
        numbered = "version" in words.lower()
        versions = versions and numbered
        for word in re.findall(r"[^\W\d]+" if numbered else r"\w+", _VERSION.sub("", words)):
            sides[sign][word] += count
    return 0 if versions or sides["+"] == sides["-"] else sum(change.values())


def digests(change: Counter[Change]) -> tuple[int, int]:
    """What the change is and what its exact inverse would be, each as 63 bits; white space and places of lines do not matter."""
    forward = sorted(change.items())
    backward = sorted(((path, _OPPOSITE[sign], words), count) for (path, sign, words), count in forward)
    return _bits(forward), _bits(backward)


def _bits(lines: list[tuple[Change, int]]) -> int:
    data = "\n".join(f"{path}\0{sign}{count}\0{words}" for (path, sign, words), count in lines)
    return int.from_bytes(blake2b(data.encode("utf-8", "surrogateescape"), digest_size=8).digest()) >> 1


def _sizes(header: bytes) -> tuple[int, int]:
    """How many removed and added lines follow a `@@ -a,b +c,d @@` header (without context lines there are no others)."""
    _, before, after, *_ = header.split(b" ")
    return _count(before), _count(after)


def _count(part: bytes) -> int:
    _, comma, size = part.partition(b",")
    return int(size) if comma else 1


def _path(header: bytes) -> str:
    """The path in `diff --git PATH PATH` (without prefixes and renames both are the same, so half of the line is it)."""
    both = header[11:]
    return text(both[: len(both) // 2])
