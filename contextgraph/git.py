"""The one door to the user's git: subprocess, machine formats, a clean environment.

Works the same from a subdirectory, a linked worktree, a submodule, a separate git directory, a bare repository, and in
sha256 and reftable repositories, because every answer comes from git itself.
"""

import os
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from contextgraph.errors import Error, GitError, NotFoundError

NOTES_REF = "refs/notes/contextgraph"

# `git rev-parse --local-env-vars`, less what carries the user's own `git -c` settings (GIT_CONFIG_*): in a hook these point
# at the repository of the hook, and `git -C other` then answers for the wrong one. Identity variables of the commit being
# made must not leak into notes either.
_LOCAL = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_CONFIG GIT_OBJECT_DIRECTORY GIT_DIR GIT_WORK_TREE GIT_IMPLICIT_WORK_TREE GIT_GRAFT_FILE "
    "GIT_INDEX_FILE GIT_NO_REPLACE_OBJECTS GIT_REPLACE_REF_BASE GIT_PREFIX GIT_SHALLOW_FILE GIT_COMMON_DIR GIT_INTERNAL_SUPER_PREFIX "
    "GIT_LITERAL_PATHSPECS GIT_GLOB_PATHSPECS GIT_NOGLOB_PATHSPECS GIT_ICASE_PATHSPECS GIT_QUARANTINE_PATH "
    "GIT_AUTHOR_DATE GIT_COMMITTER_DATE GIT_EXTERNAL_DIFF GIT_DIFF_OPTS GIT_NOTES_REF GIT_NOTES_DISPLAY_REF GIT_REFLOG_ACTION"
).split()
# Settings of the user that would change what we parse; each of these has broken a parser once.
_FIXED = ("-c", "log.showSignature=false", "-c", "i18n.logOutputEncoding=UTF-8", "-c", "core.quotePath=true", "-c", "diff.relative=false")


class Git:
    """One repository, resolved once; every call after that is one process with git's own words on failure."""

    def __init__(self, git_dir: Path, common_dir: Path, top: Path | None, object_format: str, environment: Mapping[str, str]) -> None:
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.top = top
        self.null = "0" * (64 if object_format == "sha256" else 40)
        self.calls = 0
        self._environment = {**environment, "GIT_DIR": str(git_dir)}
        self._directory = top if top is not None else git_dir

    @classmethod
    def discover(cls, directory: Path, environment: Mapping[str, str] | None = None) -> "Git":
        """The repository that `directory` is in. Raises NotFoundError when there is none, GitError for anything else."""
        environment = os.environ if environment is None else environment
        asked = ["--git-dir", "--git-common-dir", "--show-object-format", "--is-bare-repository", "--show-toplevel"]
        command = ["git", "rev-parse", "--path-format=absolute", *asked]
        if not directory.is_dir():
            raise NotFoundError(f"there is no directory {directory}")
        try:
            done = subprocess.run(command, cwd=directory, env={**environment, "LC_ALL": "C"}, capture_output=True, check=False)
        except FileNotFoundError:
            raise Error("git is not installed, or not on PATH", "install git 2.38 or later") from None
        lines = done.stdout.decode("utf-8", "surrogateescape").splitlines()
        words = done.stderr.decode("utf-8", "replace").strip()
        if len(lines) < 4:
            if "not a git repository" in words:
                raise NotFoundError(f"{directory} is not in a git repository", "change into one, or name one with -C")
            raise GitError(f"git does not open the repository at {directory}: {_last(words)}", _unsafe_hint(words))
        clean = without_repository(environment) | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
        # Without a work tree `--show-toplevel` fails after the other answers are out; a bare repository has none.
        top = Path(lines[4]) if done.returncode == 0 and len(lines) > 4 and lines[3] != "true" else None
        return cls(Path(lines[0]), Path(lines[1]), top, lines[2], clean)

    @property
    def home(self) -> Path:
        """Our own directory, shared by all worktrees of the repository."""
        return self.common_dir / "contextgraph"

    @property
    def worktree(self) -> str:
        """The name of this worktree, as a file name: `main`, or `worktree-NAME` for a linked one."""
        return "main" if self.git_dir == self.common_dir else f"worktree-{self.git_dir.name}"

    def _popen(self, arguments: Sequence[str], stdin: int | None) -> subprocess.Popen[bytes]:
        self.calls += 1
        command = ["git", *_FIXED, *arguments]
        try:
            return subprocess.Popen(
                command, cwd=self._directory, env=self._environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise GitError(f"git cannot be started in {self._directory}: {error.strerror}") from None

    def run(self, *arguments: str, stdin: bytes | None = None, accept: Sequence[int] = (0,)) -> bytes:
        """What git prints. Raises GitError, with the command and git's own words, for an exit code not in `accept`."""
        process = self._popen(arguments, subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
        out, err = process.communicate(stdin)
        if process.returncode not in accept:
            raise GitError(f"`git {' '.join(arguments[:2])}` failed: {_last(err.decode('utf-8', 'replace')) or process.returncode}")
        return out

    def text(self, *arguments: str, stdin: bytes | None = None) -> str:
        """`run`, decoded, without the last line feed."""
        return self.run(*arguments, stdin=stdin).decode("utf-8", "surrogateescape").removesuffix("\n")

    def maybe(self, *arguments: str) -> str | None:
        """`text`, or None when git exits with 1 or 128 (a question whose answer may be no)."""
        process = self._popen(arguments, subprocess.DEVNULL)
        out, _ = process.communicate()
        return out.decode("utf-8", "surrogateescape").removesuffix("\n") if process.returncode == 0 else None

    def stream(self, *arguments: str, stdin: bytes | None = None, separator: bytes = b"\0") -> Iterator[bytes]:
        """The fields of a long answer as they come, split at `separator`. Raises GitError at the end if git failed."""
        process = self._popen(arguments, subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
        assert process.stdout and process.stderr
        if process.stdin:
            feed(process.stdin, stdin or b"")
        words: list[bytes] = []
        drain = _in_background(lambda: words.extend(_chunks(process.stderr)))
        rest = b""
        try:
            while chunk := process.stdout.read(1 << 20):
                *whole, rest = (rest + chunk).split(separator)
                yield from whole
        except GeneratorExit:
            process.kill()
            raise
        finally:
            process.stdout.close()
            drain.join()
            process.stderr.close()
            code = process.wait()
        if code:
            raise GitError(f"`git {' '.join(arguments[:2])}` failed: {_last(b''.join(words).decode('utf-8', 'replace')) or code}")
        if rest:
            yield rest

    def objects(self, names: Iterable[str]) -> Iterator[bytes | None]:
        """The content of each object in the order asked; None where it is missing. One `cat-file --batch` for all."""
        process = self._popen(("cat-file", "--batch", "--buffer"), subprocess.PIPE)
        assert process.stdin and process.stdout and process.stderr
        asked = list(names)
        feed(process.stdin, "".join(f"{name}\n" for name in asked).encode("utf-8", "surrogateescape"))
        try:
            for _ in asked:
                header = process.stdout.readline().rsplit(b" ", 2)
                if not header[-1].endswith(b"\n"):
                    raise GitError(f"`git cat-file` stopped early: {_last(process.stderr.read().decode('utf-8', 'replace'))}")
                if header[-1] in (b"missing\n", b"ambiguous\n"):
                    yield None
                    continue
                yield process.stdout.read(int(header[-1]))
                process.stdout.read(1)
        finally:
            process.kill()
            process.stdout.close()
            process.stderr.close()
            process.wait()


def without_repository(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment less everything that ties git to one repository, index or commit, as a hook sets it."""
    return {name: value for name, value in environment.items() if name not in _LOCAL}


def feed(pipe: IO[bytes], data: bytes) -> None:
    """Write to a process from a thread of its own: writer and reader of one process must not wait for each other."""

    def write() -> None:
        rest = memoryview(data)
        with suppress(BrokenPipeError, ValueError):  # the process ended early; its exit code and words say why
            while rest:
                rest = rest[os.write(pipe.fileno(), rest) :]
            pipe.close()

    _in_background(write)


def _chunks(pipe: IO[bytes] | None) -> Iterator[bytes]:
    """What comes out of a pipe, without its buffer: a thread that waits in a buffered read breaks the interpreter's end."""
    with suppress(OSError, ValueError):
        while pipe and (chunk := os.read(pipe.fileno(), 1 << 16)):
            yield chunk


def _in_background(action: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


def _last(words: str) -> str:
    """Git's own words on one line, without its prefixes."""
    lines = [line.strip() for line in words.splitlines() if line.strip() and not line.startswith("hint:")]
    return "; ".join(line.removeprefix("fatal: ").removeprefix("error: ") for line in lines[-3:])


def _unsafe_hint(words: str) -> str | None:
    return "it belongs to another user: see `git config --global --add safe.directory`" if "dubious ownership" in words else None
