"""The one door to the user's git: subprocess, machine formats, a clean environment.

Works the same from a subdirectory, a linked worktree, a submodule, a separate git directory, a bare repository, and in
sha256 and reftable repositories, because every answer comes from git itself.
"""

import os
import subprocess
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import IO

from contextgraph.environment import FIXED, last, resolve, without_repository
from contextgraph.errors import GitError

NOTES_REF = "refs/notes/contextgraph"


class Git:
    """One repository, resolved once; every call after that is one process with git's own words on failure."""

    def __init__(
        self, git_dir: Path, common_dir: Path, top: Path | None, object_format: str, environment: Mapping[str, str], prefix: str = ""
    ) -> None:
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.top = top
        self.prefix = prefix
        """The way from the top to where the user stands: empty, or with a slash at its end."""
        self.null = "0" * (64 if object_format == "sha256" else 40)
        self.calls = 0
        self._environment = {**environment, "GIT_DIR": str(git_dir)}
        self._directory = top if top is not None else git_dir

    @classmethod
    def discover(cls, directory: Path, environment: Mapping[str, str] | None = None) -> "Git":
        """The repository that `directory` is in. Raises NotFoundError when there is none, GitError for anything else."""
        environment = os.environ if environment is None else environment
        lines = resolve(directory, environment)
        clean = without_repository(environment) | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
        top = Path(lines[5]) if len(lines) > 5 and lines[3] != "true" else None
        if top is not None and "GIT_WORK_TREE" in environment:  # only this names it (a bare repository over a home directory)
            clean["GIT_WORK_TREE"] = str(top)
        return cls(Path(lines[0]), Path(lines[1]), top, lines[2], clean, lines[4] if top else "")

    @property
    def directory(self) -> Path:
        """Where git is run: the top of the work tree, or the git directory of a bare repository."""
        return self._directory

    @property
    def environment(self) -> dict[str, str]:
        """What git is run with: nothing in it belongs to another repository, index or commit."""
        return dict(self._environment)

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
        command = ["git", *FIXED, *arguments]
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
            raise _failed(arguments, process, err)
        return out

    def text(self, *arguments: str, stdin: bytes | None = None) -> str:
        """`run`, decoded, without the last line feed."""
        return self.run(*arguments, stdin=stdin).decode("utf-8", "surrogateescape").removesuffix("\n")

    def maybe(self, *arguments: str) -> str | None:
        """`text`, or None when git exits with 1 or 128 (a question whose answer may be no). Raises GitError for other failures."""
        process = self._popen(arguments, subprocess.DEVNULL)
        out, err = process.communicate()
        if process.returncode not in (0, 1, 128):  # killed, say: that is no answer
            raise _failed(arguments, process, err)
        return out.decode("utf-8", "surrogateescape").removesuffix("\n") if process.returncode == 0 else None

    def stream(self, *arguments: str, stdin: bytes | None = None, separator: bytes = b"\0") -> Generator[bytes, None, None]:
        """The fields of a long answer as they come, split at `separator`. Raises GitError at the end if git failed."""
        process = self._popen(arguments, subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
        assert isinstance(process.stdout, BufferedReader) and process.stderr
        if process.stdin:
            feed(process.stdin, stdin or b"")
        words: list[bytes] = []
        drain = _in_background(lambda: words.extend(_chunks(process.stderr)))
        rest = b""
        try:
            # Whatever is there: to wait for a whole piece would have git wait while it is worked on.
            while chunk := process.stdout.read1(1 << 20):
                *whole, rest = (rest + chunk).split(separator)
                yield from whole
        except GeneratorExit:
            process.kill()
            raise
        finally:
            process.stdout.close()
            drain.join()
            process.stderr.close()
            process.wait()
        if process.returncode:
            raise _failed(arguments, process, b"".join(words))
        if rest:
            yield rest

    def objects(self, names: Iterable[str]) -> Iterator[bytes | None]:
        """The content of each object in the order asked; None where it is missing. One `cat-file --batch` for all."""
        for each in self._batch(list(names), None):
            assert not isinstance(each, int)
            yield each

    def bounded(self, names: Iterable[str], limit: int) -> Iterator[bytes | int | None]:
        """As `objects`, but of an object over `limit` bytes only its size: nothing of it is read."""
        asked = list(names)
        while asked:
            done = 0
            for each in self._batch(asked, limit):
                done += 1
                yield each
                if isinstance(each, int):
                    break  # a new process for the rest costs 3 ms; reading a stranger's gigabytes to their end does not end
            asked = asked[done:]

    def _batch(self, asked: list[str], limit: int | None) -> Iterator[bytes | int | None]:
        command = ("cat-file", "--batch", "--buffer")
        process = self._popen(command, subprocess.PIPE)
        assert process.stdin and process.stdout and process.stderr
        words: list[bytes] = []
        drain = _in_background(lambda: words.extend(_chunks(process.stderr)))
        feed(process.stdin, "".join(f"{name}\n" for name in asked).encode("utf-8", "surrogateescape"))
        try:
            for _ in asked:
                size = process.stdout.readline().rpartition(b" ")[2]
                if size in (b"missing\n", b"ambiguous\n"):
                    yield None
                    continue
                if limit is not None and size.endswith(b"\n") and int(size) > limit:
                    yield int(size)
                    return
                content = process.stdout.read(int(size) + 1) if size.endswith(b"\n") else b""
                # Half an object must never pass for a whole one: it would be written back as the note.
                if not content or len(content) != int(size) + 1:
                    process.wait()
                    drain.join()
                    raise _failed(command, process, b"".join(words))
                yield content[:-1]
        finally:
            process.kill()
            process.stdout.close()
            drain.join()
            process.stderr.close()
            process.wait()


def _failed(arguments: Sequence[str], process: subprocess.Popen[bytes], err: bytes) -> GitError:
    words = last(err.decode("utf-8", "replace")) or f"exit code {process.returncode}"
    return GitError(f"`git {' '.join(arguments[:2])}` failed: {words}", process=process.pid)


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
