"""The repositories of this user that `cg init` has set up: `repositories` in the user's data directory, one path a line."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from contextgraph.lock import locked, replace

NAME = "repositories"


def path(environment: Mapping[str, str]) -> Path:
    """Where the list is; it need not exist."""
    if base := environment.get("XDG_DATA_HOME"):
        return Path(base) / "contextgraph" / NAME
    import platformdirs

    return Path(platformdirs.user_data_dir("contextgraph", appauthor=False)) / NAME


def listed(environment: Mapping[str, str]) -> list[Path]:
    """Every repository that is still there, in the order in which they were added. What has vanished is taken out."""
    found = _read(path(environment))
    there = [each for each in found if each.is_dir()]
    if len(there) < len(found):
        _change(environment, lambda lines: [each for each in lines if each.is_dir()])
    return there


def add(environment: Mapping[str, str], repository: Path) -> None:
    """Put a repository into the list, once. Raises Error, LockError when the list cannot be written."""
    wanted = repository.absolute()
    if "\n" not in str(wanted) and wanted not in _read(path(environment)):
        _change(environment, lambda lines: [*(each for each in lines if each != wanted), wanted])


def remove(environment: Mapping[str, str], repository: Path) -> None:
    """Take a repository out; one that is not in the list is no error. Raises Error, LockError."""
    if repository.absolute() in _read(path(environment)):
        _change(environment, lambda lines: [each for each in lines if each != repository.absolute()])


def _read(file: Path) -> list[Path]:
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError:
        return []  # absent, or not ours to read: then no repository is known
    return [Path(os.fsdecode(line)) for line in lines if line]


def _change(environment: Mapping[str, str], change: Callable[[list[Path]], list[Path]]) -> None:
    file = path(environment)
    with locked(file.with_name(f".{NAME}.lock")):
        lines = change(_read(file))
        replace(file, b"".join(os.fsencode(each) + b"\n" for each in lines))
