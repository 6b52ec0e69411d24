"""Which commits were made in this clone, read from the HEAD reflog of every worktree (CONTRACT, Status words).

Hooks only make this faster: an entry here is enough for a commit to be ours.
"""

import os
import re
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from contextgraph.commits import text
from contextgraph.errors import GitError
from contextgraph.git import Git
from contextgraph.refs import stack

_LINE = re.compile(rb"([0-9a-f]+) ([0-9a-f]+) .*?(\d+) [+-]\d{4}(?:\t(.*))?\Z")
# The action ends at the first colon; what follows is a subject, which may say anything ("merge: Fast-forward" is a fine one).
_NOT_OURS = re.compile(
    r"(clone|pull|fetch|reset|checkout|switch|initial pull|Branch)\b|(merge|cherry-pick|revert|rebase)\b[^:]*: [Ff]ast-forward$"
    r"|rebase\b[^:]*\((start|finish|abort|reset|label)\)|rebase finished|rebase: (aborting|checkout)"
)
# `git pull --rebase` puts its own words before the step; a parenthesis may stand in the name of a branch, a blank before it may not.
_REBASE = re.compile(r"rebase\b[^:]*\(|pull\b[^:]* \((start|pick|continue|finish|abort|fixup|squash|reword|edit|merge|reset|label)\)")


class Entry(msgspec.Struct, frozen=True):
    old: str
    new: str
    time: int
    action: str
    branch: str

    @property
    def rebase(self) -> bool:
        return _REBASE.match(self.action) is not None

    def step(self, name: str) -> bool:
        """Whether it is that step of a rebase: `start`, `pick`, `finish` …"""
        return self.rebase and f"({name})" in self.action.partition(":")[0]

    @property
    def candidate(self) -> bool:
        """Whether the action is one that makes a commit here; an empty one needs a closer look (`strangers`)."""
        return self.new.strip("0") != "" and not _NOT_OURS.match(self.action)


class Mark(msgspec.Struct, frozen=True):
    """How far a reflog has been read: the last line before it, and the file offset, or the `tables` where it is no file."""

    offset: int = 0
    last: str = ""
    tables: str = ""


class Log(msgspec.Struct, frozen=True):
    """The HEAD reflog of one worktree: a file, or (reftable) what git answers, in lines of the same form."""

    git: Git
    git_dir: Path

    @property
    def file(self) -> Path:
        return self.git_dir / "logs" / "HEAD"

    @property
    def tables(self) -> str:
        """What changes with every entry where there is no file; "" where there is one."""
        return stack(self.git_dir).read_text() if stack(self.git_dir).is_file() else ""

    @property
    def head(self) -> str:
        """HEAD of that worktree, as git names it in any other."""
        return "main-worktree/HEAD" if self.git_dir == self.git.common_dir else f"worktrees/{self.git_dir.name}/HEAD"


def files(git: Git) -> dict[str, Log]:
    """The HEAD reflog of every worktree, by worktree name (`readable`)."""
    found = {"main": Log(git, git.common_dir)}
    linked = git.common_dir / "worktrees"
    if linked.is_dir():
        found |= {readable(f"worktree-{path.name}"): Log(git, path) for path in linked.iterdir()}
    return {name: log for name, log in found.items() if log.file.is_file() or log.tables}


def readable(worktree: str) -> str:
    """The name of a worktree as text: a path may be any bytes, and what we keep is UTF-8."""
    return text(os.fsencode(worktree))


def mark(log: Log) -> Mark:
    """The mark after everything that is there now."""
    tables = log.tables
    data = b"" if tables else log.file.read_bytes()
    lines = _asked(log, "", 2) if tables else data.splitlines()
    return Mark(len(data), text(lines[-1]) if lines else "", tables)


def behind(log: Log, known: Mark | None) -> bool:
    """Whether the reflog may have changed since the mark: one look at a file, and no process."""
    if known is None:
        return True
    return log.tables != known.tables or (not known.tables and log.file.stat().st_size != known.offset)


def since(log: Log, known: Mark) -> tuple[list[Entry], Mark]:
    """The entries after the mark, oldest first, with the branch each was made on, and the new mark.

    A reflog that was rewritten (expired) is found again by the last line read; when that is gone too, by its time. What
    belongs to a rebase in progress is left for when that is done.
    """
    tables = log.tables  # before the entries: what comes in between is read next time
    if tables:
        lines, size = _asked(log, known.last), 0
        fresh = _later(lines, known.last)
    else:
        data = log.file.read_bytes()
        size = data.rfind(b"\n") + 1  # a line being written now is read next time
        lines, before = data[:size].splitlines(), data[: known.offset]
        there = before.endswith(b"\n") and text(before.splitlines()[-1]) == known.last
        fresh = data[known.offset : size].splitlines() if there else _later(lines, known.last)
    entries = _entries(fresh, _head(log)) if fresh else []
    if in_rebase(log.git_dir) and any(entry.rebase for entry in entries):
        left = fresh[_unfinished(fresh) :]
        lines, fresh = lines[: len(lines) - len(left)], fresh[: len(fresh) - len(left)]
        entries, size = entries[: len(_entries(fresh, ""))], size - sum(len(line) + 1 for line in left)
    return entries, Mark(0 if tables else size, text(lines[-1]) if lines else known.last if tables else "", tables)


def _unfinished(lines: list[bytes]) -> int:
    """The place of the line that began the last rebase; 0 where that is not among them."""
    starts = (place for place in reversed(range(len(lines))) if any(each.step("start") for each in _entries(lines[place : place + 1], "")))
    return next(starts, 0)


def _later(lines: list[bytes], last: str) -> list[bytes]:
    """Those after the line `last`. It is known by all but the commit before: where an older line has expired, that is not told."""
    if not last:
        return lines
    told = [_told(text(line)) for line in reversed(lines)]
    latest = _time(last.encode("utf-8", "replace"))
    return lines[len(lines) - told.index(_told(last)) :] if _told(last) in told else [line for line in lines if _time(line) > latest]


def _told(line: str) -> str:
    return line.partition(" ")[2]


def _asked(log: Log, last: str, most: int = 0) -> list[bytes]:
    """The reflog as git tells it, oldest first, from the line `last` on, in the form of the file: OLD NEW WHO TIME ZONE TAB ACTION.

    It names no commit before an entry: that is the one of the entry before.
    """
    limit = [f"--max-count={most}"] if most else []
    form = ["--date=raw", "--format=%H%x00%gd%x00%gs"]
    rows = log.git.stream("log", "--walk-reflogs", *limit, *form, log.head, "--", separator=b"\n")
    lines: list[bytes] = []
    newer: tuple[bytes, bytes] | None = None
    with closing(rows), suppress(GitError):  # the log of a HEAD that has none yet
        for row in rows:
            sha, when, action = row.split(b"\0")
            if newer:
                lines.append(b"%b %b%b" % (sha, *newer))
                if last and _told(text(lines[-1])) == _told(last):
                    return lines[::-1]
            newer = (sha, b" <> %b\t%b" % (when.rpartition(b"{")[2].rstrip(b"}"), action))
    return [*([b"%b %b%b" % (b"0" * len(newer[0]), *newer)] if newer else []), *lines[::-1]]


def in_rebase(git_dir: Path) -> bool:
    return (git_dir / "rebase-merge").is_dir() or (git_dir / "rebase-apply").is_dir()


def strangers(git: Git, entries: list[Entry]) -> set[str]:
    """Of the entries without an action, the commits that came from elsewhere: reached by a remote-tracking ref or FETCH_HEAD."""
    silent = [entry for entry in entries if not entry.action]
    if not silent:
        return set()
    # Every worktree has a FETCH_HEAD of its own. Moving back to what was there before makes nothing either; but what one
    # silent entry made and the next one left behind is made here.
    lines = [line for path in _fetch_heads(git) for line in path.read_text(errors="replace").splitlines()]
    heads = {line.split()[0] for line in lines if re.match(r"[0-9a-f]{40}", line)}
    reached = heads | ({entry.old for entry in silent if entry.old.strip("0")} - {entry.new for entry in silent})
    asked = "".join(f"{entry.new}\n" for entry in silent) + "".join(f"^{sha}\n" for sha in sorted(reached))
    try:
        kept = git.run("rev-list", "--ignore-missing", "--stdin", "--not", "--remotes", stdin=asked.encode())
    except GitError:  # a reflog may name what was pruned since
        return {entry.new for entry in silent}
    own = set(kept.decode().split())
    return {entry.new for entry in silent} - own


def _fetch_heads(git: Git) -> list[Path]:
    linked = git.common_dir / "worktrees"
    places = [git.common_dir, *(linked.iterdir() if linked.is_dir() else ())]
    return [path for place in places if (path := place / "FETCH_HEAD").is_file()]


def _entries(lines: list[bytes], head: str) -> list[Entry]:
    """Parsed, each with its branch: the one a later checkout moved away from, else where HEAD is now.

    Every name in a line may be in an encoding of its own.
    """
    entries: list[Entry] = []
    branch = head
    for line in reversed(lines):
        match = _LINE.match(line)
        if match is None:
            continue
        action = match[4] or b""
        if moved := re.match(rb"checkout: moving from ([^ ]+) to ", action):
            branch = "" if re.fullmatch(rb"[0-9a-f]{40,64}", moved[1]) else text(moved[1])
        entries.append(Entry(match[1].decode(), match[2].decode(), int(match[3]), text(action), branch))
    return entries[::-1]


def _head(log: Log) -> str:
    """The branch that HEAD is on, or "" (detached)."""
    target = text((log.git_dir / "HEAD").read_bytes()).rstrip("\n").removeprefix("ref: ")
    if log.tables:
        target = text(os.fsencode(log.git.maybe("symbolic-ref", "--quiet", log.head) or ""))
    return target.removeprefix("refs/heads/") if target.startswith("refs/heads/") else ""


def _time(line: bytes) -> int:
    match = _LINE.match(line)
    return int(match[3]) if match else 0
