"""The lock beside the Chroma store: one writer at a time, readers among themselves."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK = 0.005


class Busy(Exception):
    """Somebody else holds the lock; the argument says who, as far as the lock file tells."""


@contextmanager
def locked(path: Path, exclusive: bool, seconds: float, who: str) -> Iterator[None]:
    """Holds the lock file `path` as `who`. Raises Busy after `seconds`, OSError when a writer cannot make the file.

    A writer's name stands in the lock file while it writes. Where a reader finds one although nobody holds the lock, that
    writer died: the first to open the store then may write (Chroma saves its log into the graph on read), so it goes alone.
    """
    descriptor = _open(path, exclusive)
    if descriptor is None:  # a read-only place in which nobody can ever have written
        yield
        return
    try:
        _wait(descriptor, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH, seconds)
        if not exclusive and os.fstat(descriptor).st_size:
            _wait(descriptor, fcntl.LOCK_EX, seconds)
        if exclusive:
            os.pwrite(descriptor, who.encode(), 0)
        yield
        if exclusive:
            os.ftruncate(descriptor, 0)  # not after an exception: the store is then as suspect as after a kill
    finally:
        os.close(descriptor)


def _open(path: Path, exclusive: bool) -> int | None:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        if exclusive:
            raise
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC) if path.exists() else None


def _wait(descriptor: int, kind: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Busy(os.pread(descriptor, 200, 0).decode("utf-8", "replace")) from None
        time.sleep(_LOOK)
