"""What the hooks left: one short line each, appended by sh, drained here without losing one.

Lines (written by hooks/*): `commit SHA WORKTREE REF`, `skip SHA [merge]`, `merge`, `pair amend|rebase OLD NEW`.
"""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from contextgraph.commits import text

_SHA = r"([0-9a-f]{40}(?:[0-9a-f]{24})?)"
_COMMIT = re.compile(rf"commit {_SHA} (\S*) ?(.*)\Z")
_SKIP = re.compile(rf"skip {_SHA}( merge)?\Z")
_PIECE = re.compile(r"spool(\.\d+){0,2}\Z")
_PAIR = re.compile(rf"pair (\w+) {_SHA} {_SHA}\Z")


SETTLED = 10.0
"""Seconds after which nobody writes to a piece of the spool that was taken away; a hook has it open for microseconds."""
STALE, STARTING = 60.0, 5.0
"""Seconds after which a marker is stale: with the number of a process, and without one (0)."""


class Spool(msgspec.Struct):
    """The lines drained: commits with the branch they were made on (`""`: none), rewrite pairs, and the skipped ones.

    A skipped one is a `commit`, or a `merge`, which may have been a fast-forward to somebody else's commit.
    """

    commits: dict[str, str] = {}
    skipped: dict[str, str] = {}
    pairs: list[tuple[str, str, str]] = []
    unread: list[bytes] = []
    _files: list[tuple[Path, int]] = []


def waiting(home: Path) -> bool:
    """Whether a hook has left anything (no lock is needed to look)."""
    return any(path.stat().st_size > _done(path) for path in _pieces(home))


def unstick(home: Path) -> None:
    """Delete the marker of a waiting worker that will never come: it died, or its hook did before it was started.

    Call from any command. A worker waits for a fraction of a second, so a marker of another minute is stale whatever its
    number is (numbers are used again). The worst of a wrong guess is a second worker, which finds nothing to do.
    """
    marker = home / "waiting"
    try:
        age = abs(time.time() - marker.stat().st_mtime)
        number = int(marker.read_text().strip() or 0)
    except FileNotFoundError:
        return
    except ValueError:
        number = 0
    if age > STALE or (age > STARTING and number == 0) or (number > 0 and not _alive(number)):
        with suppress(OSError):  # the next command tries again
            marker.unlink()


def _alive(process: int) -> bool:
    if Path("/proc/self/exe").exists():  # a dead one that nobody has reaped still takes signals, and runs no program
        return Path(f"/proc/{process}/exe").exists()
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def drain(home: Path) -> Spool:
    """Take the spool away and read it. Call under the capture lock; `finish` marks what was read.

    A crash before `finish` leaves the pieces for the next drain: every event made from them has the same bytes again.
    """
    live = home / "spool"
    if live.exists():
        live.rename(home / f"spool.{time.time_ns()}")
    spool = Spool()
    for piece in sorted(piece for piece in _pieces(home) if piece != live):  # a hook may have begun the next one
        done = _done(piece)
        data = piece.read_bytes()[done:]
        if not _settled(piece):
            data = data[: data.rfind(b"\n") + 1]  # the rest of a line may be on its way
        spool._files.append((piece, done + len(data)))
        for line in data.splitlines(keepends=True):
            _read(spool, line)
    return spool


def finish(home: Path, spool: Spool) -> None:
    """Mark what was drained as done, in the name of its piece (`spool.WHEN.BYTES`); delete pieces that nobody can write to any more.

    A hook that had the old file open may write to it after it was read. Deleting it at once lost 12 of 16,000 lines, and
    reading it once more before that still lost one in 1,200 under four writers; so it waits for a later drain.
    """
    if spool.unread:
        with (home / "unread").open("ab") as aside:
            aside.writelines(line.rstrip(b"\n") + b"\n" for line in spool.unread)
    for piece, size in spool._files:
        if _settled(piece) and piece.stat().st_size <= size:
            piece.unlink()
        else:
            piece.rename(home / f"spool.{piece.name.split('.')[1]}.{size}")


def _done(piece: Path) -> int:
    """How many bytes of a piece were drained before."""
    words = piece.name.split(".")
    return int(words[2]) if len(words) == 3 else 0


def _settled(piece: Path) -> bool:
    """Whether a piece was taken away so long ago that no hook has it open."""
    return abs(time.time() - int(piece.name.split(".")[1]) / 1e9) > SETTLED


def _read(spool: Spool, line: bytes) -> None:
    words = text(line.rstrip(b"\n"))
    if line.endswith(b"\n") and (match := _COMMIT.match(words)):
        spool.commits[match[1]] = match[3].removeprefix("refs/heads/")
    elif line.endswith(b"\n") and (match := _SKIP.match(words)):
        spool.skipped[match[1]] = "merge" if match[2] else "commit"
    elif line.endswith(b"\n") and (match := _PAIR.match(words)):
        spool.pairs.append((match[1], match[2], match[3]))
    elif line.strip() and words != "merge":
        spool.unread.append(line)


def _pieces(home: Path) -> list[Path]:
    if not home.is_dir():
        return []
    return [path for path in home.iterdir() if _PIECE.match(path.name)]
