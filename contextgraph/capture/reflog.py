"""Which commits were made in this clone, read from the HEAD reflog of every worktree (CONTRACT, Status words).

Hooks only make this faster: an entry here is enough for a commit to be ours.
"""

import os
import re
from pathlib import Path

import msgspec

from contextgraph.commits import text
from contextgraph.errors import GitError
from contextgraph.git import Git

_LINE = re.compile(rb"([0-9a-f]+) ([0-9a-f]+) .*?(\d+) [+-]\d{4}(?:\t(.*))?\Z")
# The action ends at the first colon; what follows is a subject, which may say anything ("merge: Fast-forward" is a fine one).
_NOT_OURS = re.compile(
    r"(clone|pull|fetch|reset|checkout|switch|initial pull|Branch)\b|(merge|cherry-pick|revert|rebase)\b[^:]*: [Ff]ast-forward$"
    r"|rebase\b[^:]*\((start|finish|abort|reset|label)\)|rebase finished|rebase: (aborting|checkout)"
)
_REBASE = re.compile(r"rebase\b[^:]*\(")


class Entry(msgspec.Struct, frozen=True):
    old: str
    new: str
    time: int
    action: str
    branch: str

    @property
    def rebase(self) -> bool:
        return _REBASE.match(self.action) is not None

    @property
    def candidate(self) -> bool:
        """Whether the action is one that makes a commit here; an empty one needs a closer look (`strangers`)."""
        return self.new.strip("0") != "" and not _NOT_OURS.match(self.action)


class Mark(msgspec.Struct, frozen=True):
    """How far a reflog has been read: the file offset and the last line before it."""

    offset: int = 0
    last: str = ""


def files(git: Git) -> dict[str, Path]:
    """The HEAD reflog of every worktree, by worktree name (`readable`)."""
    found = {"main": git.common_dir / "logs" / "HEAD"}
    linked = git.common_dir / "worktrees"
    if linked.is_dir():
        found |= {readable(f"worktree-{path.name}"): path / "logs" / "HEAD" for path in linked.iterdir()}
    return {name: path for name, path in found.items() if path.is_file()}


def readable(worktree: str) -> str:
    """The name of a worktree as text: a path may be any bytes, and what we keep is UTF-8."""
    return text(os.fsencode(worktree))


def mark(path: Path) -> Mark:
    """The mark after everything that is there now."""
    data = path.read_bytes()
    return Mark(len(data), text(data.splitlines()[-1]) if data else "")


def behind(path: Path, known: Mark | None) -> bool:
    """Whether the reflog has changed since the mark: one stat, and no read."""
    return known is None or path.stat().st_size != known.offset


def since(path: Path, known: Mark) -> tuple[list[Entry], Mark]:
    """The entries after the mark, oldest first, with the branch each was made on, and the new mark.

    A reflog that was rewritten (expired) is found again by the last line read; when that is gone too, by its time.
    """
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1  # a line being written now is read next time
    lines = data[:end].splitlines()
    fresh = data[known.offset : end].splitlines()
    before = data[: known.offset]
    if known.last and not (before.endswith(b"\n") and text(before.splitlines()[-1]) == known.last):
        places = [place for place, line in enumerate(lines, 1) if text(line) == known.last]
        latest = _time(known.last.encode("latin-1", "replace"))
        fresh = lines[places[-1] :] if places else [line for line in lines if _time(line) > latest]
    head = _head(path.parent.parent)
    return _entries(fresh, head), Mark(end, text(lines[-1]) if lines else "")


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


def _head(git_dir: Path) -> str:
    """The branch HEAD is on, or "" (detached, or a store of refs that is not made of files)."""
    target = text((git_dir / "HEAD").read_bytes()).rstrip("\n")
    branch = target.removeprefix("ref: refs/heads/")
    return branch if branch not in (target, ".invalid") else ""


def _time(line: bytes) -> int:
    match = _LINE.match(line)
    return int(match[3]) if match else 0
