"""Our own events, each written once and whole before anything else is tried; kept until a remote holds them.

A line is `sha SPACE event`. The journal is cut into segments, so that what a remote holds can be dropped by deleting
whole files and nothing is ever rewritten.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from contextgraph.errors import Error
from contextgraph.lock import replace

SEGMENT = 1 << 20
"""Bytes after which a new segment is begun."""


class Journal:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def append(self, entries: Iterable[tuple[str, bytes]]) -> None:
        """Write (key, line) pairs, on disk when this returns. One O_APPEND write each: whole lines even with many writers.

        Raises Error when the disk refuses (full, read-only); what was written before stays.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            descriptor = self._open()
            try:
                for key, line in entries:
                    self._write(descriptor, key.encode() + b" " + line + b"\n")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Error(f"the journal in {self.directory} cannot be written: {error.strerror}", _cure(error)) from None

    def _open(self) -> int:
        """The segment to append to, with a shared lock on it: `drop` and `rewrite` wait for those who are writing."""
        while True:
            descriptor = os.open(self._last(), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if os.fstat(descriptor).st_nlink:
                return descriptor
            os.close(descriptor)  # dropped or rewritten between the two calls: nobody would read what is written there

    def _write(self, descriptor: int, line: bytes) -> None:
        size = os.fstat(descriptor).st_size
        # A crash may have left half a line: ours must not be glued to it.
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        data = b"\n" + line if torn else line
        written = os.write(descriptor, data)
        if written != len(data):
            raise OSError(28, "No space left on device")

    def entries(self, start: tuple[str, int] | None = None) -> Iterator[tuple[str, bytes]]:
        """(key, line) of every whole line after the position `start` (segment, offset); torn lines are passed over."""
        for segment in self.segments():
            if start is not None and segment.name < start[0]:
                continue
            yield from self.read(segment, start[1] if start is not None and segment.name == start[0] else 0)

    def read(self, segment: Path, offset: int = 0) -> Iterator[tuple[str, bytes]]:
        """As `entries`, of one segment; nothing when it was dropped in the meantime: a remote holds it all."""
        try:
            file = segment.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(offset)
            for line in file:
                key, _, event = line.rstrip(b"\n").partition(b" ")
                if line.endswith(b"}\n") and len(key) in (40, 64):
                    yield key.decode("ascii", "replace"), event

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
        """Where the journal ends now."""
        segments = self.segments()
        return (segments[-1].name, segments[-1].stat().st_size) if segments else ("", 0)

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


def _cure(error: OSError) -> str:
    return "free some space and repeat the command" if error.errno == 28 else "the git directory must be writable to record something"
