"""Hooks and git config in and out, exactly: what init did is what uninstall takes back, to the byte."""

import os
import shlex
import sys
from pathlib import Path

import msgspec

from contextgraph import __version__
from contextgraph.errors import Error
from contextgraph.git import Git
from contextgraph.lock import locked

HOOKS = ("post-commit", "post-merge", "post-rewrite", "post-applypatch")
MARK = b"# contextgraph: "
CHAINED = ".before-contextgraph"


class Hooks(msgspec.Struct, frozen=True):
    """Where git looks for hooks, whether we may write there, and which of ours are in place; `python` is their interpreter."""

    directory: str
    writable: bool
    reason: str | None
    installed: tuple[str, ...]
    python: str | None
    alive: bool


def templates() -> Path:
    """The directory with the hook templates: beside the package in a checkout, inside it in a wheel."""
    inside = Path(__file__).parent / "hooks"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "hooks"


def hook_directory(git: Git) -> Path:
    return Path(git.text("rev-parse", "--path-format=absolute", "--git-path", "hooks"))


def look(git: Git) -> Hooks:
    """The state of the hooks, from the files themselves."""
    directory = hook_directory(git)
    reason = _not_ours(git, directory)
    installed = tuple(name for name in HOOKS if _is_ours(directory / name))
    python = _python_of(directory / installed[0]) if installed else None
    alive = reason is None and len(installed) == len(HOOKS) and python is not None and os.access(python, os.X_OK)
    return Hooks(str(directory), reason is None, reason, installed, python, alive)


def install(git: Git) -> list[str]:
    """Write the hooks and mark the repository; returns each change made, in words. Twice changes nothing.

    A hook that is there already is renamed aside and called by ours, with its arguments and input.
    """
    changes: list[str] = []
    with locked(git.home / "install.lock"):
        directory = hook_directory(git)
        if _not_ours(git, directory) is None:
            for name in HOOKS:
                changes += _put(directory / name)
        known = git.maybe("config", "--local", "--get", "contextgraph.installed")
        if known != __version__:
            git.run("config", "--local", "contextgraph.installed", __version__)
            changes.append(f"git config contextgraph.installed {__version__}")
    return changes


def uninstall(git: Git) -> list[str]:
    """Take everything back: hooks restored by rename (bytes, mode and time as before), our config section removed."""
    changes: list[str] = []
    with locked(git.home / "install.lock"):
        directory = hook_directory(git)
        for name in HOOKS:
            changes += _take(directory / name)
        names = git.run("config", "--local", "--name-only", "-z", "--get-regexp", r"^contextgraph\.", accept=(0, 1)).split(b"\0")
        for section in dict.fromkeys(name.decode().rpartition(".")[0] for name in names if name):
            git.run("config", "--local", "--remove-section", section)
            changes.append(f"git config section {section} removed")
    return changes


def body(name: str) -> bytes:
    """The hook as it is installed: the template with the shared part and this interpreter's absolute path."""
    common = (templates() / "common.sh").read_text(encoding="utf-8").replace("'@PYTHON@'", shlex.quote(sys.executable))
    return (templates() / name).read_text(encoding="utf-8").replace("@COMMON@\n", common).encode("utf-8")


def _not_ours(git: Git, directory: Path) -> str | None:
    """Why a hook directory is not written to, or None: only the repository's own is."""
    own = git.common_dir / "hooks"
    if directory.is_symlink() or directory.resolve() != own.resolve():
        inside = git.top is not None and directory.resolve().is_relative_to(git.top.resolve())
        where = "lies inside the work tree" if inside else "is shared with other repositories"
        return f"core.hooksPath points to {directory}, which {where}: it is left alone, and cg catches up when it is next run"
    return None


def _is_ours(hook: Path) -> bool:
    try:
        return MARK in hook.read_bytes()[:200]
    except OSError:
        return False


def _python_of(hook: Path) -> str | None:
    for line in hook.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("cg_python="):
            return shlex.split(line.removeprefix("cg_python="))[0]
    return None


def _put(hook: Path) -> list[str]:
    wanted = body(hook.name)
    changes: list[str] = []
    try:
        hook.parent.mkdir(parents=True, exist_ok=True)
        if hook.exists() and not _is_ours(hook):
            hook.rename(hook.with_name(hook.name + CHAINED))
            changes.append(f"{hook} kept as {hook.name}{CHAINED}, and called by ours")
        if not hook.exists() or hook.read_bytes() != wanted:
            aside = hook.with_name(f"{hook.name}.{os.getpid()}.tmp")
            aside.write_bytes(wanted)
            aside.chmod(0o755)
            aside.replace(hook)
            changes.append(f"hook {hook}")
    except OSError as error:
        raise Error(f"the hook {hook} cannot be written: {error.strerror}") from None
    return changes


def _take(hook: Path) -> list[str]:
    if not _is_ours(hook):
        return []
    kept = hook.with_name(hook.name + CHAINED)
    if kept.exists():
        kept.replace(hook)
        return [f"{hook} restored"]
    hook.unlink()
    return [f"{hook} removed"]
