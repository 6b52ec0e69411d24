"""The seal and the repositories: every test runs with a HOME, configuration, identity, dates and network of its own."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from contextgraph.install import HOOKS

# At a desk every run looks somewhere else; in CI the same change must give the same answer twice.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

# Whoever starts a run in the background of a shell, or with nohup, has these ignored, and so would all that the tests interrupt.
for ignored in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, signal.default_int_handler if ignored is signal.SIGINT else signal.SIG_DFL)

CG = Path(sys.executable).with_name("cg")
KEPT = ("PATH", "LANG", "TERM", "TMPDIR", "CG_TEST_MODEL_WHEEL", "CG_TEST_KILLS", "COVERAGE_PROCESS_START", "GIT_DEFAULT_REF_FORMAT")


def sealed(home: Path) -> dict[str, str]:
    """An environment in which nothing of the machine's user is visible, and nothing outside can be reached."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    nowhere = "http://127.0.0.1:9"  # the discard port: whatever tries to go out fails at once
    environment |= {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_STATE_HOME": str(home / "state"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_EDITOR": "true",
        "GIT_SEQUENCE_EDITOR": "true",
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.com",
        "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.com",
        "TZ": "UTC",
        "http_proxy": nowhere,
        "https_proxy": nowhere,
        "all_proxy": nowhere,
        "PYTHONDONTWRITEBYTECODE": "",
    }
    return environment


@pytest.fixture(autouse=True)
def seal(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Seals this process and every process it starts."""
    home = tmp_path_factory.mktemp("home")
    environment = sealed(home)
    (home / "gitconfig").write_text(
        '[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n[protocol "file"]\n\tallow = always\n[gc]\n\tauto = 0\n'
        "[maintenance]\n\tauto = false\n"
    )
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


HOOKS_OFF = ("-c", "core.hooksPath=/dev/null", *(each for hook in HOOKS for each in ("-c", f"hook.contextgraph.{hook}.enabled=false")))
"""For a git command that runs none of our hooks: neither the files nor (git 2.54 and later) those of the configuration."""


class Repo:
    """A real repository to work in: git and cg as a person would run them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = 1_767_225_600  # 2026-01-01T00:00:00Z; every commit is a minute after the one before

    def run(
        self, *command: str, stdin: str | bytes | None = None, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program here. With `check` a failure fails the test, with what the program said."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        raw = subprocess.run(
            command, cwd=self.path, env={**os.environ, **variables}, input=b"" if data is None else data, capture_output=True, check=False
        )
        done = subprocess.CompletedProcess(
            command, raw.returncode, raw.stdout.decode("utf-8", "replace"), raw.stderr.decode("utf-8", "replace")
        )
        if check and done.returncode:
            pytest.fail(f"{' '.join(command)} -> {done.returncode}\n{done.stdout}{done.stderr}", pytrace=True)
        return done

    def git(self, *arguments: str, stdin: str | bytes | None = None, check: bool = True, **variables: str) -> str:
        self.clock += 60
        dates = {"GIT_AUTHOR_DATE": f"{self.clock} +0000", "GIT_COMMITTER_DATE": f"{self.clock} +0000"}
        return self.run("git", *arguments, stdin=stdin, check=check, **(dates | variables)).stdout.strip()

    def cg(
        self, *arguments: str, stdin: str | bytes | None = None, code: int | None = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the installed program; `code` is the exit code it must end with (None: any)."""
        done = self.run(str(CG), *arguments, stdin=stdin, check=False, **variables)
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        if code is not None:
            assert done.returncode == code, f"cg {' '.join(arguments)} -> {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def commit(self, message: str, files: dict[str, str] | None = None, **variables: str) -> str:
        """Write the files (one of its own when none is named), commit everything, and return the sha."""
        for name, content in (files or {f"file-{self.clock}": message}).items():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message, stdin=None, check=True, **variables)
        return self.sha()

    def unhook(self) -> None:
        """Our hooks run no more: what a GUI, or a core.hooksPath, makes of it."""
        for setting in HOOKS_OFF[1::2]:
            self.run("git", "config", *setting.split("=", 1))

    def hook(self, name: str) -> Path:
        """Our hook of that name, wherever this git has it from."""
        configured = self.home / "hooks" / name
        return configured if configured.is_file() else self.path / ".git" / "hooks" / name

    def sha(self, revision: str = "HEAD") -> str:
        return self.run("git", "rev-parse", "--verify", revision).stdout.strip()

    def note(self, revision: str = "HEAD") -> list[str]:
        """The lines of the note on a commit, as plain git shows them."""
        return self.run("git", "notes", "--ref", "contextgraph", "show", revision, check=False).stdout.splitlines()

    @property
    def home(self) -> Path:
        return self.path / ".git" / "contextgraph"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit, made once; tests get copies (5 ms)."""
    home = tmp_path_factory.mktemp("template-home")
    path = tmp_path_factory.mktemp("template") / "repo"
    environment = {**sealed(home), "GIT_AUTHOR_DATE": "1767225600 +0000", "GIT_COMMITTER_DATE": "1767225600 +0000"}
    for command in (
        ["init", "--quiet", "--initial-branch=main", str(path)],
        ["-C", str(path), "commit", "--quiet", "--allow-empty", "-m", "base"],
    ):
        subprocess.run(["git", "-c", "maintenance.auto=false", *command], env=environment, check=True)
    return path


@pytest.fixture
def repo(template: Path, tmp_path: Path) -> Iterator[Repo]:
    """A repository of one commit, without contextgraph."""
    shutil.copytree(template, tmp_path / "repo", symlinks=True)
    yield Repo(tmp_path / "repo")


@pytest.fixture
def graphed(repo: Repo) -> Repo:
    """The same after `cg init --no-model`; hooks start no worker unless a test asks for it (CG_WORKER=)."""
    repo.cg("init", "--no-model")
    os.environ["CG_WORKER"] = "off"
    return repo
