"""Hooks by configuration (`hook.<name>.command` and `.event`, git 2.54 and later): they run beside any hooksPath and any
hook manager, and nothing of anybody's is renamed or called by us."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from contextgraph import hookfiles
from contextgraph.git import Git

SINCE = (2, 54)
_NAME = "hook.contextgraph."


def supported(git: Git) -> bool:
    """Whether this git runs hooks from its configuration."""
    found = re.search(r"(\d+)\.(\d+)", git.text("version"))
    return found is not None and (int(found[1]), int(found[2])) >= SINCE


def directory(git: Git) -> Path:
    """Where the scripts stand: our own directory, shared by all worktrees."""
    return git.home / "hooks"


def wanted(git: Git, name: str) -> dict[str, str]:
    """The two settings of one hook. Without its script (the repository was moved, ours deleted) it does nothing, silently."""
    script = shlex.quote(str(directory(git) / name))
    return {f"{_NAME}{name}.command": f"test -x {script} && {script}", f"{_NAME}{name}.event": name}


def there(git: Git) -> dict[str, str]:
    """Our hook settings as they are in this repository's configuration, by key."""
    answer = git.run("config", "--local", "-z", "--get-regexp", r"^hook\.contextgraph\.", accept=(0, 1))
    pairs = (entry.decode("utf-8", "surrogateescape").partition("\n") for entry in answer.split(b"\0") if entry)
    return {name: value for name, _, value in pairs}


def put(git: Git, bodies: Mapping[str, bytes]) -> list[str]:
    """Write the scripts and name them in the configuration; returns each change made, in words."""
    changes: list[str] = []
    known = there(git)
    for name, body in bodies.items():
        changes += hookfiles.write(directory(git) / name, body)
        for key, value in wanted(git, name).items():
            if known.get(key) != value:
                git.run("config", "--local", "--replace-all", key, value)
                changes.append(f"git config {key} {value}")
    return changes


def take(git: Git) -> list[str]:
    """Remove our settings and scripts."""
    changes: list[str] = []
    for section in dict.fromkeys(key.rpartition(".")[0] for key in there(git)):
        git.run("config", "--local", "--remove-section", section)
        changes.append(f"git config section {section} removed")
    if directory(git).is_dir():
        for script in directory(git).iterdir():
            script.unlink()
        directory(git).rmdir()
    return changes
