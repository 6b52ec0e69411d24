"""Our own events, each written once and whole before anything else is tried; kept until a remote holds them.

A line is `sha SPACE event`. The journal is cut into segments, so that what a remote holds can be dropped by deleting
whole files and nothing is ever rewritten.
"""

import errno
import fcntl
import json
import os
import re
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path

from contextgraph.errors import Error
from contextgraph.lock import replace

SEGMENT = 1 << 20
"""Bytes after which a new segment is begun."""
_ENTRY = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) (\{.*\})\n\Z")


class Journal:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def append(self, entries: Iterable[tuple[str, bytes]]) -> None:
        """Write (key, line) pairs, on disk when this returns. One O_APPEND write each: whole lines even with many writers.

        Raises Error when the disk refuses (full, read-only); what was written before stays.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            lines = [key.encode() + b" " + line + b"\n" for key, line in entries]
            # Another process may have begun a new segment meanwhile, and readers may be past ours: then they go there as well.
            while self._append(lines) != self.segments()[-1]:
                pass
        except OSError as error:
            raise Error(f"the journal in {self.directory} cannot be written: {error.strerror}", _cure(error)) from None

    def _append(self, lines: Iterable[bytes]) -> Path:
        descriptor, segment = self._open()
        try:
            for line in lines:
                self._write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return segment

    def _open(self) -> tuple[int, Path]:
        """The segment to append to, with a shared lock on it: `drop` and `rewrite` wait for those who are writing."""
        while True:
            segment = self._last()
            descriptor = os.open(segment, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if os.fstat(descriptor).st_nlink:
                return descriptor, segment
            os.close(descriptor)  # dropped or rewritten between the two calls: nobody would read what is written there

    def _write(self, descriptor: int, line: bytes) -> None:
        size = os.fstat(descriptor).st_size
        # A crash may have left half a line: ours must not be glued to it.
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        data = b"\n" + line if torn else line
        written = os.write(descriptor, data)
        if written != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def entries(self, start: tuple[str, int] | None = None, keys: Container[str] | None = None) -> Iterator[tuple[str, bytes]]:
        """(key, line) of every whole line after the position `start` (segment, offset), or of `keys` alone.

        Torn lines are passed over. From the beginning when there is no such position any more.
        """
        segments = self.segments()
        first = next((segment for segment in segments if start is not None and segment.name == start[0]), None)
        offset = start[1] if start is not None and first is not None and first.stat().st_size >= start[1] else 0
        for segment in segments[segments.index(first) :] if first is not None and offset else segments:
            yield from self.read(segment, offset if segment == first else 0, keys)

    def read(self, segment: Path, offset: int = 0, keys: Container[str] | None = None) -> Iterator[tuple[str, bytes]]:
        """As `entries`, of one segment; nothing when it was dropped in the meantime: a remote holds it all."""
        try:
            file = segment.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(offset)
            for line in file:
                entry = _ENTRY.match(line)
                if entry and (keys is None or entry[1].decode() in keys) and _whole(entry[2]):
                    yield entry[1].decode(), entry[2]

    def drop(self, segment: Path) -> None:
        """Delete a segment that is held elsewhere. Never the last one: its name would be used again, by shorter content."""
        with segment.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            segment.unlink()

    def rewrite(self, keep: Callable[[str, bytes], Iterable[bytes]]) -> None:
        """Replace each event by what `keep` answers for (key, line); all that is left goes into one new segment.

        For a purge alone. A crash on the way leaves both the old segments and the new one: the same events twice are once.
        """
        old = self.segments()
        if not old:
            return
        files = [segment.open("rb") for segment in old]
        try:
            for file in files:
                fcntl.flock(file, fcntl.LOCK_EX)
            lines = [key.encode() + b" " + left + b"\n" for key, line in self.entries() for left in keep(key, line)]
            replace(self.directory / f"{int(old[-1].name) + 1:06d}", b"".join(lines))
            for segment in old:
                segment.unlink(missing_ok=True)
        finally:
            for file in files:
                file.close()

    def position(self) -> tuple[str, int]:
        """Where the last whole line ends now: somebody may be in the middle of writing one, or was when the machine stopped."""
        for segment in reversed(self.segments()):
            try:
                with segment.open("rb") as file:
                    size = file.seek(0, os.SEEK_END)
                    file.seek(max(0, size - 1))
                    if size and file.read(1) != b"\n":
                        file.seek(0)
                        size = file.read().rfind(b"\n") + 1
                    return segment.name, size
            except FileNotFoundError:  # rewritten between the two calls; what is in the new segment is looked at again
                continue
        return "", 0

    def segments(self) -> list[Path]:
        if not self.directory.is_dir():
            return []
        return sorted(path for path in self.directory.iterdir() if path.name.isdigit())

    def _last(self) -> Path:
        segments = self.segments()
        if not segments:
            return self.directory / "000001"
        last = segments[-1]
        return last if last.stat().st_size < SEGMENT else self.directory / f"{int(last.name) + 1:06d}"


def _whole(line: bytes) -> bool:
    """A line that a full disk cut short may end in a brace too; only the whole of it is JSON."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _cure(error: OSError) -> str:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return "free some space and repeat the command" if full else "the git directory must be writable to record something"
