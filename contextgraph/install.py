"""Hooks and git config in and out, exactly: what init did is what uninstall takes back, to the byte."""

import os
import shlex
import sys
from pathlib import Path

import msgspec

from contextgraph import __version__, confighooks, gitconfig, hookfiles
from contextgraph.environment import without_repository
from contextgraph.git import Git
from contextgraph.lock import locked

HOOKS = ("post-commit", "post-merge", "post-rewrite", "post-applypatch")
BARE = "a bare repository makes no commits, so it has no hooks of ours; what is pushed to it is taken in by the next question"


class Hooks(msgspec.Struct, frozen=True):
    """Where git looks for hooks, whether we may write there, and which of ours are in place; `python` is their interpreter.

    `reason` says what of it is in other hands: there catching up serves.
    """

    directory: str
    writable: bool
    reason: str | None
    installed: tuple[str, ...]
    python: str | None
    alive: bool
    managed: tuple[str, ...] = ()

    @property
    def fault(self) -> str | None:
        """What keeps them from being alive, where it is in our hands."""
        missing = [name for name in HOOKS if name not in self.installed + self.managed]
        if missing:
            return f"hooks are missing in {self.directory}: {', '.join(missing)}"
        if self.reason is None and not self.alive:
            return f"the hooks are not executable, or their interpreter is gone: {self.python}"
        return None


def templates() -> Path:
    """The directory with the hook templates: beside the package in a checkout, inside it in a wheel."""
    inside = Path(__file__).parent / "hooks"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "hooks"


def hook_directory(git: Git) -> Path:
    return Path(git.text("rev-parse", "--path-format=absolute", "--git-path", "hooks"))


def is_idle(git: Git) -> bool:
    """Whether no commit can be made: in a bare repository without a worktree."""
    return git.top is None and not any((git.common_dir / "worktrees").glob("*"))


def look(git: Git) -> Hooks:
    """The state of the hooks, from the files and the configuration themselves."""
    if is_idle(git):
        return Hooks(str(git.common_dir / "hooks"), False, BARE, (), None, False, HOOKS)
    known = confighooks.there(git)
    own = confighooks.directory(git)
    directory = own if known and confighooks.supported(git) else hook_directory(git)
    reason = None if directory == own else _not_ours(git, directory)
    found = _standing(git, directory, known, writable=reason is None)
    called = {
        name: own / name for name in HOOKS if name not in found and hookfiles.is_ours(own / name) and _calls_ours(git, directory, name)
    }
    standing = found | called
    installed = tuple(name for name in HOOKS if name in standing)
    managed = tuple(name for name in HOOKS if name not in standing and (reason or hookfiles.place(directory / name) is None))
    if managed and reason is None:
        reason = f"{', '.join(managed)} in {directory} is lefthook's: it is left alone, and cg catches up when it is next run"
    python = hookfiles.python_of(standing[installed[0]]) if installed else None
    runnable = python is not None and all(os.access(path, os.X_OK) for path in (Path(python), *standing.values()))
    whole = len(installed) == len(HOOKS)
    return Hooks(str(directory), reason is None, None if whole else reason, installed, python, whole and runnable, managed)


def _standing(git: Git, directory: Path, known: dict[str, str], writable: bool) -> dict[str, Path]:
    """Those of ours that git, or a hook manager that makes room for them, runs from there."""
    if directory == confighooks.directory(git):
        spots = {name: directory / name for name in HOOKS if confighooks.wanted(git, name).items() <= known.items()}
    else:
        spots = {name: spot for name in HOOKS if writable and (spot := hookfiles.place(directory / name))}
    return {name: spot for name, spot in spots.items() if hookfiles.is_ours(spot)}


def install(git: Git, branch: str = "") -> list[str]:
    """Write the hooks and mark the repository; returns each change made, in words. Twice changes nothing.

    Where git runs hooks from its configuration that is used. Elsewhere a hook that is there already is renamed aside and
    called by ours, with its arguments and input. Where nothing is committed there are none. `branch` becomes the configured target branch.

    Raises Error, LockError, GitError when something cannot be written.
    """
    changes: list[str] = []
    with locked(git.home / "install.lock"):
        changes += gitconfig.put(git, {"installed": __version__} | ({"track.branch": branch} if branch else {}))
        if is_idle(git):
            changes += _take_all(git) + confighooks.take(git)
        elif confighooks.supported(git):
            changes += _take_all(git)
            gitconfig.remember_end(git)
            changes += confighooks.put(git, {name: body(name) for name in HOOKS})
        else:
            directory = hook_directory(git)
            ours = HOOKS if _not_ours(git, directory) is None else ()
            for name in HOOKS:
                changes += hookfiles.put(directory / name, body(name)) if name in ours else []
                if name not in ours or hookfiles.place(directory / name) is None:  # whoever looks after that one may call this
                    changes += hookfiles.write(confighooks.directory(git) / name, body(name))
    return changes


def uninstall(git: Git, settings: bool = False) -> list[str]:
    """Take everything back: hooks restored by rename (bytes, mode and time as before), the settings that `install` made as they
    were. With `settings` those that people made go too.

    Whatever core.hooksPath says by now: ours were put into the repository's own directory, and are taken from there.
    """
    changes: list[str] = []
    with locked(git.home / "install.lock"):
        changes += _take_all(git)
        changes += confighooks.take(git)
        changes += gitconfig.take(git, settings)
        gitconfig.restore_end(git)
    return changes


def _take_all(git: Git) -> list[str]:
    directory = git.common_dir / "hooks"
    taken = [hookfiles.take(directory / name) for name in HOOKS] if _not_ours(git, directory) is None else []
    return [change for changes in taken for change in changes]


def fires(git: Git) -> bool:
    """Whether a commit runs our hook, tried for real: in a throw-away repository with this one's configuration and our hooks.

    True as well where ours is called by a hook manager: that has no configuration there.
    """
    import shutil
    import subprocess
    import tempfile

    directory = hook_directory(git)
    by_config = confighooks.supported(git) and bool(confighooks.there(git))
    standing = {} if by_config else _standing(git, directory, {}, writable=_not_ours(git, directory) is None)
    if not by_config and "post-commit" not in standing:
        return True
    with tempfile.TemporaryDirectory(prefix="cg-probe-") as place:
        probe = Path(place) / ".git"
        sealed = {**without_repository(os.environ), "CG_WORKER": "off", "GIT_AUTHOR_NAME": "cg", "GIT_AUTHOR_EMAIL": "cg@localhost"}
        sealed |= {"GIT_COMMITTER_NAME": "cg", "GIT_COMMITTER_EMAIL": "cg@localhost"}
        subprocess.run(["git", "init", "--quiet", "--template=", "."], cwd=place, env=sealed, capture_output=True, check=False)
        shutil.copyfile(gitconfig.path(git), probe / "config")
        bare = ["git", "config", "--file", str(probe / "config"), "core.bare", "false"]  # -c does not reach that one
        subprocess.run(bare, cwd=place, env=sealed, capture_output=True, check=False)
        (probe / "hooks").mkdir(exist_ok=True)
        for name, spot in standing.items():  # only ours is tried: somebody else's hook must not act on a repository that is not there
            shutil.copy(spot, probe / "hooks" / name)
        command = [
            "git",
            "-c",
            "core.worktree=",
            "-c",
            "core.bare=false",
            "commit",
            "--quiet",
            "--allow-empty",
            "--no-verify",
            "--no-gpg-sign",
            "-m",
            "probe",
        ]
        subprocess.run(command, cwd=place, env=sealed, capture_output=True, check=False)
        return (probe / "contextgraph" / "spool").is_file()


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


def _calls_ours(git: Git, directory: Path, name: str) -> bool:
    """Whether the hook that git finds there calls our script: by itself, in what husky (`.husky/_`) hands it on to, or as lefthook
    is configured."""
    configured = git.top.glob("*lefthook*.*") if git.top and hookfiles.place(directory / name) is None else ()
    places = [directory / name, *([directory.parent / name] if directory.name == "_" else []), *configured]
    return any(place.is_file() and f"contextgraph/hooks/{name}".encode() in place.read_bytes() for place in places)
