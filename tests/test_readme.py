"""The sessions shown in README.md and docs/tutorial.md are what the program says: run in a sealed repository and compared.

`python -m tests.test_readme` from the top of the repository writes down what the program says now.
"""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import CG, Repo, sealed

TOP = Path(__file__).parent.parent
PAGES = ("README.md", "docs/tutorial.md")
SESSION = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
SHOWN_AS = "/home/ann/shop"
"""What a page calls the directory of its repository."""
# What differs from run to run: ids, times, sizes of object names.
VARYING = re.compile(r"\bcg-[0-9a-f]{12}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b|\b\d{4}-\d\d-\d\d(T[\d:.]+Z)?|\b\d+ ms\b")
# How hooks are put in and taken out depends on the version of git (2.54 has hooks by configuration).
HOOKS = re.compile(r"^(hook |git config (section )?(--\S+ )?hook\.|/home/ann/shop/\.git/(contextgraph/)?hooks/).*\n", re.MULTILINE)
CURE = "if the page is wrong, `.venv/bin/python -m tests.test_readme` writes it anew; then read what changed"


def plain(session: str) -> str:
    """The session without what may differ from run to run and from git to git."""
    return VARYING.sub("…", HOOKS.sub("", session))


def commands(session: str) -> list[tuple[str, str]]:
    """(command, what it prints) of a session: a command begins with `$ ` and goes on over lines that begin with `> `."""
    found: list[tuple[str, str]] = []
    for line in session.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif line.startswith("> ") and found and not found[-1][1]:
            found[-1] = (f"{found[-1][0]}\n{line[2:]}", "")
        elif found:
            command, printed = found[-1]
            found[-1] = (command, f"{printed}{line}\n")
    return found


def played(page: str, repository: Path) -> str:
    """The page with every session as it goes now: all commands of a page run in order, in one repository.

    What a command prints that begins with an id of an earlier run is asked for with that of this one.
    """
    known: dict[str, str] = {}
    clock = itertools.count(1_767_225_660, 60)  # from 2026-01-01T00:01:00Z, a minute a command: no two commits in one second

    def play(match: re.Match[str]) -> str:
        lines: list[str] = []
        for command, printed in commands(match[1]):
            typed = VARYING.sub(lambda found: known.get(found[0], found[0]), command)
            date = f"{next(clock)} +0000"
            done = subprocess.run(
                ["sh", "-c", typed],
                cwd=repository,
                env={**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            said = done.stdout.decode().replace(str(repository), SHOWN_AS)
            said = "".join(f"{line.rstrip()}\n" for line in said.splitlines())
            known.update(zip((m[0] for m in VARYING.finditer(printed)), (m[0] for m in VARYING.finditer(said)), strict=False))
            lines += ["$ " + typed.replace("\n", "\n> "), *said.splitlines()]
        return "".join(f"{line}\n" for line in lines)

    return SESSION.sub(play, page)


@pytest.mark.parametrize("page", PAGES)
def test_session_is_what_the_program_says(page: str, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CG_WORKER", "off")
    monkeypatch.setenv("PATH", f"{CG.parent}:{os.environ['PATH']}")
    written = (TOP / page).read_text(encoding="utf-8")
    assert SESSION.search(written), f"{page} shows no session (a ```console block)"
    now = played(written, repo.path)
    for shown, said in zip(SESSION.findall(written), SESSION.findall(now), strict=True):
        assert plain(said) == plain(shown), f"{page}: {CURE}"


def test_the_two_commands_are_targets_of_make() -> None:
    named = set(re.findall(r"^make (\w+)", (TOP / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert named == {"demo", "test"}, "README.md shows the two commands `make demo` and `make test`, each on a line of its own"
    targets = set(re.findall(r"^(\w+):", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= targets


def test_readme_begins_with_three_lines() -> None:
    lines = (TOP / "README.md").read_text(encoding="utf-8").splitlines()
    first = lines[2:].index("") + 2
    assert lines[0].startswith("# ") and first - 2 == 3, "what it is stands in three lines under the title"


def write() -> None:
    """Play every session and write the pages again."""
    for page in PAGES:
        with TemporaryDirectory() as directory:
            home, repository = Path(directory, "home"), Path(directory, "shop")
            home.mkdir()
            (home / "gitconfig").write_text("[init]\n\tdefaultBranch = main\n")
            environment = sealed(home) | {"CG_WORKER": "off", "PATH": f"{CG.parent}:{os.environ['PATH']}"}
            os.environ.clear()
            os.environ.update(environment)
            subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
            subprocess.run(["git", "-C", str(repository), "commit", "--quiet", "--allow-empty", "-m", "base"], check=True)
            path = TOP / page
            text = played(path.read_text(encoding="utf-8"), repository)
            if broken := re.search("^error: a defect of contextgraph.*|^Traceback", text, re.MULTILINE):
                sys.exit(f"{page} is left as it is: the program does not work now ({broken[0]})")
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{page} written\n")


if __name__ == "__main__":
    write()
