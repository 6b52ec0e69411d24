"""What a range of commits does: its commits, and the lines that are there afterwards and were not before, and the reverse."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property

import msgspec

from contextgraph import commits
from contextgraph.capture import trailers
from contextgraph.check import code
from contextgraph.check.files import is_generated
from contextgraph.commits import Commit, text
from contextgraph.errors import GitError
from contextgraph.git import Git
from contextgraph.status import undoing

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
Line = tuple[int, str]
"""(number, text): in the new file for what was added, in the old one for what was removed."""


class FileDiff(msgspec.Struct):
    """One file between base and head. `old_path` is where it was before, which is `path` unless it was renamed."""

    path: str
    old_path: str
    status: str
    old_blob: str
    new_blob: str
    added: list[Line] = []
    removed: list[Line] = []


class Change:
    """The commits that `head` has and `base` has not, oldest first, and the difference between the two trees."""

    def __init__(self, git: Git, base: str | None, head: str) -> None:
        self.git = git
        self.base = base
        self.head = head
        self.commits: list[Commit] = list(commits.walk(git, [head], [base] if base else []))[::-1]
        self._code: dict[str, list[str]] = {}
        self._before: dict[str, str] = {}

    @cached_property
    def files(self) -> dict[str, FileDiff]:
        return {each.path: each for each in difference(self.git, self.base or empty_tree(self.git), self.head)}

    @cached_property
    def shas(self) -> set[str]:
        return {each.sha for each in self.commits}

    @cached_property
    def single(self) -> list[Commit]:
        """The commits that are no merges."""
        return [each for each in self.commits if len(each.parents) < 2]

    @cached_property
    def lines(self) -> dict[str, Counter[undoing.Change]]:
        """The changed lines of each commit that is no merge."""
        pairs = [(each.sha, each.parents[0] if each.parents else None) for each in self.single]
        return dict(undoing.changes(self.git, pairs)) if pairs else {}

    @cached_property
    def messages(self) -> str:
        """All that the range says of itself."""
        return "\n\n".join(each.message for each in self.commits)

    @cached_property
    def named(self) -> set[str]:
        """The commits that its messages name, as they name them."""
        return named(self.messages)

    @cached_property
    def supersedes(self) -> set[str]:
        """What the messages of the range say that they replace: ids of decisions, shas."""
        return {value.split()[0] for each in self.commits for key, value in trailers.read(each.message) if key == "supersedes" and value}

    @cached_property
    def added(self) -> Counter[str]:
        """The added lines of all files, without the white space around them."""
        return Counter(words for each in self.files.values() for _, line in each.added if (words := line.strip()))

    @cached_property
    def removed(self) -> Counter[str]:
        return Counter(words for each in self.files.values() for _, line in each.removed if (words := line.strip()))

    def code(self, path: str) -> list[str]:
        """The lines of a file at head, what is no code blanked; empty for what is not there, not text or too large."""
        if path not in self._code:
            self._code[path] = _code(path, next(self.git.objects([self.files[path].new_blob])))
        return self._code[path]

    def load(self, paths: list[str]) -> None:
        """Read many files at once."""
        wanted = [path for path in paths if path not in self._code and self.files[path].new_blob.strip("0")]
        for path, content in zip(wanted, self.git.objects(self.files[path].new_blob for path in wanted), strict=True):
            self._code[path] = _code(path, content)

    def code_line(self, path: str, number: int, line: str) -> str:
        """An added line less what is no code of it. Where the file could not be read, the line as it is."""
        there = self.code(path)
        return there[number - 1].rstrip("\r") if 0 < number <= len(there) else line

    def owner(self, path: str, line: str) -> str:
        """The newest commit of the range that added this line; its head when a merge did."""
        wanted = (path, "+", line.strip())
        for each in reversed(self.single):
            if wanted in self.lines.get(each.sha, ()):
                return each.sha
        return self.head

    def toucher(self, path: str) -> str:
        """The newest commit of the range that touched a path."""
        names = {path, self.files[path].old_path} if path in self.files else {path}
        return next((each.sha for each in reversed(self.commits) if any(name in names for _, name, _ in each.changes)), self.head)

    def before(self, path: str) -> str:
        """The content of the file at base, or nothing."""
        if path not in self._before:
            blob = self.files[path].old_blob
            self._before[path] = text((next(self.git.objects([blob])) if blob.strip("0") else None) or b"")
        return self._before[path]


def _code(path: str, content: bytes | None) -> list[str]:
    """The lines of a file as code; all blank where a program wrote it, none where it is no text."""
    if not content or b"\0" in content[:8000]:
        return []
    return [""] * (content.count(b"\n") + 1) if is_generated(content) else code.lines(path, text(content))


def named(message: str) -> set[str]:
    """What in a text may be a commit's sha, seven digits or more, in lower case; where a commit was picked from is left out."""
    told = re.sub(r"\(cherry picked from commit [0-9a-f]+\)", "", message)
    return {each.lower() for each in re.findall(r"\b[0-9a-fA-F]{7,64}\b", told)}


def empty_tree(git: Git) -> str:
    return git.text("hash-object", "-t", "tree", "--stdin", stdin=b"")


def difference(git: Git, old: str, new: str) -> Iterator[FileDiff]:
    """The files that differ between two commits or trees, renames followed, with their added and removed lines."""
    found = list(_raw(git, old, new))
    if not found:
        return
    flags = ("-r", "-M", "-p", "-U0", "--no-color", "--no-ext-diff", "--no-textconv", "--full-index", "--src-prefix=a/", "--dst-prefix=b/")
    waiting = iter([each for each in found for _ in range(2 if each.status == "T" else 1)])
    now: FileDiff | None = None
    removed = added = left_old = left_new = 0
    for line in git.stream("diff-tree", *flags, old, new, separator=b"\n"):
        if left_old and line[:1] == b"-" and now:
            now.removed.append((removed, text(line[1:])))
            removed, left_old = removed + 1, left_old - 1
        elif left_new and line[:1] == b"+" and now:
            now.added.append((added, text(line[1:])))
            added, left_new = added + 1, left_new - 1
        elif line[:11] == b"diff --git ":
            now = next(waiting, None)
        elif match := _HUNK.match(line):
            removed, added = int(match[1]), int(match[3])
            left_old, left_new = int(match[2] or 1), int(match[4] or 1)
    yield from found


def _raw(git: Git, old: str, new: str) -> Iterator[FileDiff]:
    fields = iter(git.run("diff-tree", "-r", "-M", "--raw", "-z", "--full-index", "--no-abbrev", old, new).split(b"\0"))
    for field in fields:
        if not field.startswith(b":"):
            continue
        _, _, before, after, mark = field.split(b" ")
        letter = mark[:1].decode()
        first = text(next(fields))
        second = text(next(fields)) if letter in "RC" else first
        yield FileDiff(second, first, letter, before.decode(), after.decode(), [], [])


def merge_base(git: Git, one: str, other: str) -> str | None:
    return git.maybe("merge-base", one, other)


def count(git: Git, base: str, head: str) -> int:
    try:
        return int(git.text("rev-list", "--count", head, f"^{base}"))
    except (GitError, ValueError):
        return 1 << 30
