"""Hooks and git config in and out, exactly: what init did is what uninstall takes back, to the byte."""

import os
import shlex
import sys
from itertools import count
from pathlib import Path

import msgspec

from contextgraph import __version__, confighooks, gitconfig
from contextgraph.environment import without_repository
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
    """The state of the hooks, from the files and the configuration themselves."""
    known = confighooks.there(git)
    by_config = bool(known) and confighooks.supported(git)
    directory = confighooks.directory(git) if by_config else hook_directory(git)
    reason = None if by_config else _not_ours(git, directory)
    named = {name for name in HOOKS if not by_config or confighooks.wanted(git, name).items() <= known.items()}
    installed = tuple(name for name in HOOKS if name in named and _is_ours(directory / name))
    python = _python_of(directory / installed[0]) if installed else None
    runnable = python is not None and all(os.access(path, os.X_OK) for path in (Path(python), *(directory / name for name in installed)))
    return Hooks(str(directory), reason is None, reason, installed, python, reason is None and len(installed) == len(HOOKS) and runnable)


def install(git: Git, branch: str = "") -> list[str]:
    """Write the hooks and mark the repository; returns each change made, in words. Twice changes nothing.

    Where git runs hooks from its configuration that is used. Elsewhere a hook that is there already is renamed aside and
    called by ours, with its arguments and input. `branch` becomes the configured target branch.

    Raises Error, LockError, GitError when something cannot be written.
    """
    changes: list[str] = []
    with locked(git.home / "install.lock"):
        changes += gitconfig.put(git, {"installed": __version__} | ({"track.branch": branch} if branch else {}))
        if confighooks.supported(git):
            changes += _take_all(git)
            gitconfig.remember_end(git)
            changes += confighooks.put(git, {name: body(name) for name in HOOKS})
        elif _not_ours(git, directory := hook_directory(git)) is None:
            for name in HOOKS:
                changes += _put(directory / name)
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
    taken = [_take(directory / name) for name in HOOKS] if _not_ours(git, directory) is None else []
    return [change for changes in taken for change in changes]


def fires(git: Git) -> bool:
    """Whether a commit runs our hook, tried for real: in a throw-away repository with this one's configuration and hooks."""
    import shutil
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory(prefix="cg-probe-") as place:
        probe = Path(place) / ".git"
        sealed = {**without_repository(os.environ), "CG_WORKER": "off", "GIT_AUTHOR_NAME": "cg", "GIT_AUTHOR_EMAIL": "cg@localhost"}
        sealed |= {"GIT_COMMITTER_NAME": "cg", "GIT_COMMITTER_EMAIL": "cg@localhost"}
        subprocess.run(["git", "init", "--quiet", "--template=", "."], cwd=place, env=sealed, capture_output=True, check=False)
        shutil.copyfile(gitconfig.path(git), probe / "config")
        if (git.common_dir / "hooks").is_dir():
            shutil.copytree(git.common_dir / "hooks", probe / "hooks", dirs_exist_ok=True)
        for kept in (probe / "hooks").glob(f"*{CHAINED}"):
            kept.unlink()  # only ours is tried: somebody else's hook must not act on a repository that is not there
        command = ["git", "-c", "core.worktree=", "commit", "--quiet", "--allow-empty", "--no-verify", "--no-gpg-sign", "-m", "probe"]
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
    """Ours is written aside before the other one is moved: whatever fails, one of them is in place."""
    if _is_ours(hook) and hook.read_bytes() == body(hook.name):
        return []
    changes: list[str] = []
    aside = hook.with_name(f"{hook.name}.{os.getpid()}.tmp")
    try:
        hook.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(body(hook.name))
        aside.chmod(0o755)
        if os.path.lexists(hook) and not _is_ours(hook):
            changes += _keep(hook)
        aside.replace(hook)
        changes.append(f"hook {hook}")
    except OSError as error:
        raise Error(f"the hook {hook} cannot be written: {error.strerror}") from None
    finally:
        aside.unlink(missing_ok=True)
    return changes


def _keep(hook: Path) -> list[str]:
    """Move a hook that is not ours aside. One kept earlier (another tool has replaced ours since) is never written over."""
    kept = hook.with_name(hook.name + CHAINED)
    changes: list[str] = []
    if os.path.lexists(kept):
        number = next(n for n in count(1) if not os.path.lexists(kept.with_name(f"{kept.name}.{n}")))
        older = kept.rename(kept.with_name(f"{kept.name}.{number}"))
        changes.append(f"{older} is an older hook, called by nobody since {hook} was replaced; it is yours to keep or delete")
    hook.rename(kept)
    return [*changes, f"{hook} kept as {kept.name}, and called by ours"]


def _take(hook: Path) -> list[str]:
    kept = hook.with_name(hook.name + CHAINED)
    if os.path.lexists(hook) and not _is_ours(hook):
        return [f"{kept} is left there: {hook} is not ours any more"] if os.path.lexists(kept) else []
    if os.path.lexists(kept):
        kept.replace(hook)
        return [f"{hook} restored"]
    if os.path.lexists(hook):
        hook.unlink()
        return [f"{hook} removed"]
    return []
