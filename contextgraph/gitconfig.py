"""Our settings in git's configuration: what init sets is remembered, and taken back to the byte; what people set is theirs."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from contextgraph.errors import Error
from contextgraph.git import Git
from contextgraph.lock import replace

_PREFIX = "contextgraph."


def put(git: Git, wanted: Mapping[str, str]) -> list[str]:
    """Set what is not so yet, by name without `contextgraph.`; returns each change made, in words."""
    changes: list[str] = []
    for name, value in wanted.items():
        before = git.maybe("config", "--local", "--get", _PREFIX + name)
        if before != value:
            remember_end(git)
            made = _made(git)
            first = made[name].before if name in made else before
            replace(_memory(git), msgspec.json.encode({**made, name: Made(first, value)}))
            git.run("config", "--local", _PREFIX + name, value)
            changes.append(f"git config {_PREFIX}{name} {value}")
    return changes


def take(git: Git, everything: bool) -> list[str]:
    """Put each setting back that still is what `put` made it; what somebody has changed since is theirs.

    With `everything` theirs go too. Returns each change made, in words.
    """
    changes: list[str] = []
    for name, made in {"installed": Made(None, ""), **_made(git)}.items():
        now = git.maybe("config", "--local", "--get", _PREFIX + name)
        if now is None or (now != made.value and name != "installed"):
            continue
        if made.before is None or name == "installed":
            _unset(git, _PREFIX + name)
            changes.append(f"git config {_PREFIX}{name} removed")
        else:
            git.run("config", "--local", _PREFIX + name, made.before)
            changes.append(f"git config {_PREFIX}{name} {made.before}, as before")
    _memory(git).unlink(missing_ok=True)
    for section in dict.fromkeys(name.rpartition(".")[0] for name in kept(git)) if everything else ():
        git.run("config", "--local", "--remove-section", section)
        changes.append(f"git config section {section} removed")
    return changes


def _unset(git: Git, key: str) -> None:
    """Remove a setting; the head of its section too, which git leaves there when a comment stands above it."""
    section = key.rpartition(".")[0]
    if any(name.rpartition(".")[0] == section and name != key for name in kept(git)):
        git.run("config", "--local", "--unset-all", key)
    else:
        git.run("config", "--local", "--remove-section", section)


def kept(git: Git) -> list[str]:
    """The names of our settings in this clone, as git has them: `contextgraph.search.limit`."""
    names = git.run("config", "--local", "--name-only", "-z", "--get-regexp", r"^contextgraph\.", accept=(0, 1)).split(b"\0")
    return list(dict.fromkeys(name.decode("utf-8", "surrogateescape") for name in names if name))


class Made(msgspec.Struct, frozen=True):
    """A setting before the first `put`, None when it was not there, and after the last one."""

    before: str | None
    value: str


def _memory(git: Git) -> Path:
    return git.home / "config.made"


def _made(git: Git) -> dict[str, Made]:
    """What `put` remembers; where that is damaged, nothing: a setting is then taken for one that people made."""
    try:
        return msgspec.json.decode(_memory(git).read_bytes(), type=dict[str, Made])
    except (OSError, ValueError, msgspec.DecodeError):
        return {}


def remember_end(git: Git) -> None:
    """Git ends a config file that has no last line feed with one when it adds a section, and leaves it there."""
    data = path(git).read_bytes()
    if data and not data.endswith(b"\n"):
        replace(git.home / "config.before", data)


def restore_end(git: Git) -> None:
    """Take that line feed back, when everything before it is as it was. Git's own lock file keeps other writers away."""
    before = git.home / "config.before"
    if not before.is_file():
        return
    config, data = path(git), before.read_bytes()
    lock = config.with_name(config.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, config.stat().st_mode & 0o777)
    except OSError as error:
        raise Error(f"{config} cannot be written: {error.strerror}", f"when no git is running, delete {lock}") from None
    try:
        if config.read_bytes() == data + b"\n":
            os.write(descriptor, data)
            lock.replace(config)
    finally:
        os.close(descriptor)
        lock.unlink(missing_ok=True)
    before.unlink()


def path(git: Git) -> Path:
    return git.common_dir / "config"
