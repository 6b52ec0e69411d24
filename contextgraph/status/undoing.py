"""How much of one commit another undoes, from their diffs; one git process for any number of commits."""

from collections import Counter
from collections.abc import Iterable, Iterator

from contextgraph.commits import text
from contextgraph.git import Git

LARGEST = 200_000
"""Changed lines of a commit that are looked at; beyond that its share is taken over those."""
Change = tuple[str, str, str]
"""(path, "+" or "-", line without the white space around it)."""


def changes(git: Git, commits: Iterable[tuple[str, str | None]]) -> Iterator[tuple[str, Counter[Change]]]:
    """The changed lines of each (commit, first parent or None), blank ones left out; a binary file counts as one line."""
    asked = "".join(f"{sha} {parent}\n" if parent else f"{sha}\n" for sha, parent in commits)
    options = ("-p", "-U0", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv", "--root", "--full-index", "--no-prefix")
    stream = git.stream("diff-tree", "--stdin", *options, stdin=asked.encode(), separator=b"\n")
    sha, found, path, sizes = "", Counter[Change](), "", (0, 0)
    for line in stream:
        removed, added = sizes
        if (removed and line[:1] == b"-") or (added and line[:1] == b"+"):
            sizes = (removed - 1, added) if line[:1] == b"-" else (removed, added - 1)
            words = text(line[1:]).strip()
            if words and len(found) < LARGEST:
                found[(path, line[:1].decode(), words)] += 1
        elif line[:2] == b"@@":
            sizes = _sizes(line)
        elif line[:11] == b"diff --git ":
            path, sizes = _path(line), (0, 0)
        elif line[:6] == b"index ":
            before, after = line[6:].split(b" ")[0].split(b"..")
            pending = (before, after)
        elif line[:13] == b"Binary files ":
            found[(path, "-", pending[0].decode())] += 1
            found[(path, "+", pending[1].decode())] += 1
        elif len(line) in (40, 64) and not line.strip(b"0123456789abcdef"):
            if sha:
                yield sha, found
            sha, found, path, sizes = line.decode(), Counter[Change](), "", (0, 0)
    if sha:
        yield sha, found


def extent(target: Counter[Change], reverter: Counter[Change]) -> float:
    """The share of the target's changed lines that the reverter undoes, 0 to 1: what was added is removed, and the reverse."""
    total = sum(target.values())
    if not total:
        return 0.0
    opposite = {"+": "-", "-": "+"}
    undone = sum(min(count, reverter.get((path, opposite[sign], words), 0)) for (path, sign, words), count in target.items())
    return undone / total


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
