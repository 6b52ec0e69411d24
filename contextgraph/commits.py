"""Commits as git streams them: one process for any number, never one each."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from contextgraph.errors import GitError
from contextgraph.git import Git
from contextgraph.trace import DiffStats, FileChange

_FORMAT = "--format=tformat:%H%x00%P%x00%an <%ae>%x00%cn <%ce>%x00%at%x00%ct%x00%B%x00"
_HEADER = 7


class Commit(msgspec.Struct, frozen=True):
    """One commit. Times are Unix seconds UTC. `changes` is (status letter, path, old path or None) a file, `blobs` its object
    before and after in hexadecimal; a merge has none.

    `insertions` and `deletions` are None unless they were asked for.
    """

    sha: str
    parents: tuple[str, ...]
    author: str
    committer: str
    author_time: int
    commit_time: int
    message: str
    changes: tuple[tuple[str, str, str | None], ...] = ()
    blobs: tuple[tuple[bytes, bytes], ...] = ()
    insertions: int | None = None
    deletions: int | None = None

    @property
    def subject(self) -> str:
        """The first paragraph on one line, as git's %s."""
        return " ".join(self.message.strip().split("\n\n", 1)[0].split())

    @property
    def body(self) -> str:
        return self.message.strip().partition("\n\n")[2]

    @property
    def files(self) -> list[FileChange]:
        return [FileChange(path=path, status=_status(letter), old_path=old) for letter, path, old in self.changes]

    @property
    def stats(self) -> DiffStats | None:
        if self.insertions is None or self.deletions is None:
            return None
        return DiffStats(files=len(self.changes), insertions=self.insertions, deletions=self.deletions)


def _status(letter: str) -> Literal["A", "M", "D", "R"]:
    """Git's letter as one of ours: a copy is an addition; a changed type (T) or an unmerged path is a modification."""
    return "A" if letter in "AC" else "D" if letter == "D" else "R" if letter == "R" else "M"


def walk(git: Git, tips: Sequence[str], known: Iterable[str] = (), alone: bool = False) -> Iterator[Commit]:
    """Every commit reachable from `tips` and not from `known`, newest first, with the paths it changed; absent tips count as none.

    With `alone` only the tips themselves. Renames and line counts are not computed: that is seven times slower, and fetches
    blobs in a partial clone.
    """
    revisions = "".join(f"{tip}\n" for tip in tips) + "".join(f"^{tip}\n" for tip in known)
    which = ("--ignore-missing", *(["--no-walk=unsorted"] if alone else []), "--stdin")
    arguments = ("log", "-z", "--raw", "--no-renames", "--no-abbrev", _FORMAT, *which)
    return parse(git.stream(*arguments, stdin=revisions.encode()))


def read(git: Git, shas: Sequence[str], details: bool = True) -> Iterator[Commit]:
    """These commits in the order given, with renames and line counts when `details`; merges against their first parent."""
    if not shas:
        return iter(())
    more = ("--raw", "--no-abbrev", "--numstat", "-M", "--diff-merges=first-parent") if details else ()
    arguments = ("log", "-z", "--no-walk=unsorted", *more, _FORMAT, "--stdin")
    return parse(git.stream(*arguments, stdin="".join(f"{sha}\n" for sha in shas).encode()), counted=details)


def readable(git: Git, shas: Sequence[str]) -> Iterator[Commit]:
    """As `read`; a commit whose objects are lost, or only promised by a remote that does not answer, comes without renames and
    counts."""
    left, step = list(shas), len(shas)
    while left:
        done = 0
        try:
            for commit in read(git, left[:step]):
                done += 1
                yield commit
            step = len(left)
        except GitError as error:
            if "promisor" in error.message:  # every one that is asked for waits for the remote again
                yield from walk(git, left[done:], alone=True)
                return
            alone = step == 1
            if alone:
                yield from walk(git, left[:1], alone=True)
                done = 1
            step = len(left) if alone else 1
        left = left[done:]


def parse(fields: Iterable[bytes], counted: bool = False) -> Iterator[Commit]:
    """The commits in a stream of NUL-separated fields made with `_FORMAT`, `--raw` and (`counted`) `--numstat`."""
    waiting: list[bytes] = []
    stream = iter(fields)
    field = next(stream, None)
    while field is not None:
        waiting = [field, *(next(stream) for _ in range(_HEADER - 1))]
        # The format ends in NUL and git ends the entry with another: an empty field, or nothing at the very end.
        field = next(stream, None)
        if field == b"":
            field = next(stream, None)
        changes: list[tuple[str, str, str | None]] = []
        blobs: list[tuple[bytes, bytes]] = []
        while field is not None and field.lstrip(b"\n").startswith(b":"):
            _, _, before, after, mark = field.split(b" ")
            letter = mark[:1].decode()
            blobs.append((before, after))
            old = text(next(stream)) if letter in "RC" else None
            changes.append((letter, text(next(stream)), old if letter == "R" else None))
            field = next(stream, None)
        added = deleted = 0
        while field is not None and (count := _NUMSTAT.match(field)):
            added += int(count[1]) if count[1] != b"-" else 0
            deleted += int(count[2]) if count[2] != b"-" else 0
            if not count[3]:  # a rename: the old and the new path follow
                next(stream), next(stream)
            field = next(stream, None)
        counts = (added, deleted) if counted else (None, None)
        yield _commit(waiting, tuple(changes), tuple(blobs), counts)


_NUMSTAT = re.compile(rb"\n?(\d+|-)\t(\d+|-)\t(.*)\Z", re.DOTALL)


def _commit(
    header: list[bytes],
    changes: tuple[tuple[str, str, str | None], ...],
    blobs: tuple[tuple[bytes, bytes], ...],
    counts: tuple[int | None, int | None],
) -> Commit:
    sha, parents, author, committer, author_time, commit_time, message = header
    return Commit(
        sha=sha.decode(),
        parents=tuple(parents.decode().split()),
        author=text(author),
        committer=text(committer),
        author_time=_seconds(author_time),
        commit_time=_seconds(commit_time),
        message=text(message),
        changes=changes,
        blobs=blobs,
        insertions=counts[0],
        deletions=counts[1],
    )


def _seconds(field: bytes) -> int:
    """A commit without a readable date (damaged or forged) counts as the beginning of time, one beyond the year 9999 as that.

    Git hands through any number of digits; no index holds them, and Python does not even read 4,301.
    """
    return min(int(field[:19]), 253_402_300_799) if field.isdigit() else 0


def text(data: bytes) -> str:
    """Bytes of a message or a path as text: UTF-8, else Latin-1, which every byte string is; NULs are not in either."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
