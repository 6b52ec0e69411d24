"""The tree of a notes commit: read whatever its fan-out, written by one rule of ours."""

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping

from contextgraph import event
from contextgraph.errors import Error, GitError
from contextgraph.git import Git

LARGEST = 16 << 20
"""Bytes of the largest note that is read (a thousand full events are 4 MB). A larger one is kept and named, never opened."""
UNREAD = b"\n"
"""How the one pseudo-line begins that stands for a note over LARGEST: no line of a note can hold a line feed."""
_KEY = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


def entries(git: Git, tip: str, keys: Iterable[str] | None) -> dict[str, list[tuple[str, str]]]:
    """(path, blob) of every copy of each key. `--full-tree`: in a subdirectory ls-tree would list that prefix alone."""
    wanted = None if keys is None else set(keys)
    if wanted is not None and not wanted:
        return {}
    paths: list[str] = []
    if wanted is not None and len(wanted) <= 200:
        paths = [path for key in wanted for path in places(key)]
    found: dict[str, list[tuple[str, str]]] = {}
    for line in git.run("ls-tree", "-r", "-z", "--full-tree", tip, "--", *paths).split(b"\0"):
        header, _, name = line.decode("utf-8", "surrogateescape").partition("\t")
        key = key_of(name)
        if key and header.split()[1] == "blob" and (wanted is None or key in wanted):
            found.setdefault(key, []).append((name, header.split()[2]))
    return found


def contents(git: Git, copies: dict[str, list[tuple[str, str]]]) -> Iterator[tuple[str, list[bytes]]]:
    """(key, lines) for what `entries` found: the union over all copies of a key. Raises Error when a blob is not here.

    A copy over LARGEST is one pseudo-line that names its blob; `write` puts that blob back.
    """
    blobs = git.bounded((blob for entries in copies.values() for _, blob in entries), LARGEST)
    for key, entries in copies.items():
        lines: dict[bytes, None] = {}
        for _, name in entries:
            blob = next(blobs)
            if isinstance(blob, int):
                lines[UNREAD + f"{name} {blob}".encode()] = None
                continue
            if blob is None:
                raise Error(
                    f"the note of {key[:12]} is not here (a partial clone)", "git fetch --no-filter origin '+refs/notes/*:refs/notes/*'"
                )
            lines.update(dict.fromkeys(event.lines_of(blob)))
        yield key, list(lines)


def write(git: Git, tip: str | None, stale: list[str], contents: Mapping[str, set[bytes]]) -> str:
    """The name of a commit on top of `tip` without the paths `stale`, and with one entry `ab/cdef…` for each key that has lines.

    Objects only: no ref moves. Raises GitError when git cannot write.
    """
    # A name of its own for each process: the lock file of one that was killed stands in nobody's way.
    scratch = f"refs/contextgraph/scratch-{os.getpid()}"
    commands = [f"commit {scratch}\nmark :1\ncommitter contextgraph <contextgraph> {int(time.time())} +0000\ndata 0\n".encode()]
    commands.append(f"from {tip}\n".encode() if tip else b"")
    commands += [f"D {path}\n".encode() for path in stale]
    for key, lines in sorted(contents.items()):
        blob = b"".join(line + b"\n" for line in sorted(lines) if not line.startswith(UNREAD))
        # Beside our one place, git and we read a note at these as well; more than four such giants on one commit nobody has.
        spare = [path for depth, path in enumerate(places(key)) if depth != 1]
        for path, giant in zip(spare[::-1], sorted(line for line in lines if line.startswith(UNREAD)), strict=False):
            commands.append(f"M 100644 {giant[1:].split()[0].decode()} {path}\n".encode())
        if blob:
            commands.append(f"M 100644 inline {key[:2]}/{key[2:]}\ndata {len(blob)}\n".encode() + blob + b"\n")
    commands.append(f"\nget-mark :1\nreset {scratch}\nfrom {git.null}\n\ndone\n".encode())
    try:
        return git.run("fast-import", "--quiet", "--force", "--done", stdin=b"".join(commands)).decode().strip()
    except GitError as error:  # it leaves a crash report in the user's git directory, which helps nobody
        (git.git_dir / f"fast_import_crash_{error.process}").unlink(missing_ok=True)
        raise


def key_of(path: str) -> str | None:
    """The commit a notes path stands for, whatever its fan-out; None for a path that is no note."""
    key = path.replace("/", "")
    return key if _KEY.match(key) else None


def places(key: str) -> Iterator[str]:
    """Every path at which git may have put the note of `key`: from flat to fan-out 4 (git's own adapts to the size)."""
    for depth in range(5):
        yield "/".join([*(key[2 * n : 2 * n + 2] for n in range(depth)), key[2 * depth :]])
