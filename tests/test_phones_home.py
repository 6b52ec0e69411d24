"""What init, refresh and search reach for, watched by the kernel: no network, and no file outside our own folders."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from contextgraph.embed.small import store_small
from tests.conftest import CG, Repo

CALLS = (
    "trace=network,%process,chdir,open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,truncate"
)
WRITING = re.compile(r"^(?:creat|mkdir|mkdirat|rename\w*|link\w*|symlink\w*|truncate)\(")
OPENING = re.compile(r"^open\w*\(.*\b(?:O_CREAT|O_WRONLY|O_RDWR|O_TMPFILE)\b")
HARMLESS = ("/dev/", "/proc/self/", "/proc/thread-self/")


class Watched:
    """The system calls of a run and of all that it started: what went to the network, and which paths were written to."""

    def __init__(self, calls: str, start: Path) -> None:
        self.network: list[str] = []
        self.written: set[str] = set()
        self.programs: set[str] = set()
        self._start = str(start)
        self._where: dict[str, str] = {}
        for line in calls.splitlines():
            process, _, call = line.partition(" ")
            self._take(process, call.strip(), line)

    def _take(self, process: str, call: str, line: str) -> None:
        here = self._where.setdefault(process, self._start)
        if born := re.search(r"\b(?:clone3?|v?fork)\b.*= (\d+)", call):
            self._where.setdefault(born[1], here)
        elif re.search(r"\bAF_INET6?\b", call):
            self.network.append(line)
        elif moved := re.match(r'chdir\("([^"]*)"\)\s+= 0', call):
            self._where[process] = str(Path(here) / moved[1])
        elif program := re.match(r'execve\("([^"]*)"', call):
            self.programs.add(Path(program[1]).name)
        elif (WRITING.match(call) or OPENING.match(call)) and not re.search(r"= -1 E(NOENT|EXIST|ROFS)", call):
            for base, path in re.findall(r'(?:AT_FDCWD|\d+)<([^>]*)>, "([^"]*)"', call) or [
                (here, path) for path in re.findall(r'"([^"]*)"', call)
            ]:
                self.written.add(os.path.normpath(Path(base or here) / path))


@pytest.fixture
def strace(tmp_path: Path) -> list[str]:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: system calls cannot be watched")
    command = ["strace", "-f", "-qq", "-y", "-s", "4096", "-o", str(tmp_path / "calls"), "-e", CALLS, "-e", "signal=none"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("strace cannot trace processes here")
    return command


def watch(repo: Repo, strace: list[str], script: str, tmp_path: Path) -> Watched:
    """Run it with a temporary directory of its own, and wait for all that it has started, background processes too."""
    (tmp_path / "temporary").mkdir(exist_ok=True)
    os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(tmp_path / "temporary"), "CG_WORKER": "", "CG_WORKER_DELAY": "0"}
    repo.run(*strace, "sh", "-c", script, str(CG))
    return Watched((tmp_path / "calls").read_text(errors="replace"), repo.path)


def test_init_refresh_and_search_stay_at_home(repo: Repo, strace: list[str], tmp_path: Path, seal: dict[str, str]) -> None:
    store_small()
    for word in ("limit", "retry", "cache"):
        repo.commit(f"Add the {word}\n\nBecause the {word} was asked for.\n\nDecision: keep the {word}")
    asked = '"$0" search "asked for a cache"; "$0" search cache --everywhere; "$0" status'
    script = f'set -e; "$0" init; "$0" refresh; {asked}; "$0" refresh --rebuild'
    seen = watch(repo, strace, script, tmp_path)
    assert {"git", "cg"} <= seen.programs and any(name.startswith("python") for name in seen.programs)
    assert any(path.endswith("chroma.sqlite3") or "/chroma/" in path for path in seen.written), "vectors were written, and seen"
    assert seen.network == []
    homes = [str(Path(seal[f"XDG_{kind}_HOME"]) / "contextgraph") for kind in ("CONFIG", "DATA", "CACHE")]
    allowed = (str(repo.path / ".git") + "/", *homes, str(tmp_path / "temporary"), *HARMLESS)
    outside = sorted(path for path in seen.written if not path.startswith(allowed) and path not in (seal["XDG_DATA_HOME"],))
    assert outside == [], "\n".join(outside)
    assert '"explain":{' in repo.cg("search", "asked for a cache", "--json").stdout
    assert not list((tmp_path / "temporary").iterdir()), "nothing is left there"


def test_what_goes_out_or_astray_is_seen(repo: Repo, strace: list[str], tmp_path: Path) -> None:
    """The watch itself: a connection and a file elsewhere are found in what it writes down."""
    reach = "import socket; socket.socket().connect_ex(('127.0.0.1', 9)); open('../astray', 'w')"
    seen = watch(repo, strace, f'python3 -c "{reach}"; mkdir elsewhere; cd elsewhere; : > there', tmp_path)
    assert seen.network
    wanted = {str(repo.path.parent / "astray"), str(repo.path / "elsewhere"), str(repo.path / "elsewhere" / "there")}
    assert wanted <= seen.written
