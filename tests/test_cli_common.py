"""What every command shares: options, colours, help, completion, exit codes of usage."""

import json
import os
import pty
import subprocess

import pytest

from tests.conftest import CG, Repo

ANSWERS = (["log"], ["search", "base"], ["why", "HEAD"], ["status"], ["config", "list"], ["decide"], ["refresh"], ["init", "--no-model"])


def on_a_terminal(repo: Repo, *arguments: str, columns: int, **variables: str) -> str:
    """What the program prints on a terminal of that width."""
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "LINES": "200", "TERM": "xterm-256color", **variables}
    process = subprocess.Popen([CG, *arguments], cwd=repo.path, stdin=slave, stdout=slave, stderr=subprocess.DEVNULL, env=environment)
    os.close(slave)
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux's end of file of a terminal
            break
        if not piece:
            break
        pieces.append(piece)
    process.wait()
    os.close(master)
    return b"".join(pieces).decode()


@pytest.mark.parametrize("arguments", ANSWERS, ids=" ".join)
def test_every_command_takes_the_common_options(graphed: Repo, arguments: list[str]) -> None:
    directory = graphed.path
    graphed.path = graphed.path.parent
    done = graphed.cg(*arguments, "-C", str(directory), "-q", "--color=always", "--no-pager", "--json", code=None)
    assert done.returncode in (0, 1), done.stderr
    assert json.loads(done.stdout)["schema"] == 1
    graphed.path = directory
    assert "git processes" in graphed.cg(*arguments, "-v", code=None).stderr
    assert "Usage:" in graphed.cg(*arguments[:2] if arguments[0] == "config" else arguments[:1], "-h").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["log", "--bogus"],
        ["log", "-n", "0"],
        ["log", "-n", "x"],
        ["search", "x", "-n", "0"],
        ["search", "x", "-n", "-1"],
        ["search"],
        ["search", " "],
        ["why"],
        ["why", "a", "b"],
        ["log", "--status", "x"],
        ["log", "--category", "x"],
        ["log", "--since", "zzz"],
        ["log", "a..b"],
        ["log", "--color=pink"],
        ["-q"],
        ["-C", "/nowhere", "log"],
        ["--color=pink", "log"],
        ["decide", ""],
        ["decide", " ", "--because", "x"],
        ["decide", "x", "--risk", "huge"],
        ["decide", "x", "--category", "huge"],
        ["decide", "--commit", "HEAD"],
        ["decide", "x", "--confidence", "2"],
        ["decide", "x", "--over", "| why"],
        ["decide", "x", "--guard", "*.py: ("],
        ["decide", "x", "--expires", "soon"],
        ["config", "get", "ui.colour"],
        ["decide", "x", "--drop", "1"],
        ["log", "-C", "/nowhere"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_plain_sentence(graphed: Repo, arguments: list[str]) -> None:
    done = graphed.cg(*arguments, code=2)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert all(line.startswith(("error: ", "hint: ")) for line in done.stderr.splitlines()), done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serch"], "error: No such command 'serch'. Did you mean 'search'?\n"),
        (["why", ".."], "error: `..` is outside of this repository\n"),
        (["why", "main..HEAD"], "hint: `cg log main..HEAD` lists the commits of a range\n"),
        (["why", "cg-91f"], "hint: a decision id is cg- and at least four digits\n"),
        (["why", "nothing"], "hint: path:line asks about a line, `--as-of REV` about the past, `--` forces a path\n"),
    ],
)
def test_what_was_meant_is_told(graphed: Repo, arguments: list[str], words: str) -> None:
    assert words in graphed.cg(*arguments, code=2).stderr


def test_common_options_stand_before_the_command_too(graphed: Repo) -> None:
    here, graphed.path = graphed.path, graphed.path.parent
    plain = graphed.cg("log", "-C", str(here)).stdout
    assert graphed.cg("-C", str(here), "log").stdout == plain
    assert graphed.cg("-C", str(here.parent), "log", "-C", here.name).stdout == plain
    assert graphed.cg("-qC", str(here), "--no-pager", "log").stdout == plain
    assert "git processes" in graphed.cg("-v", "-C", str(here), "config", "list").stderr
    assert "\x1b" in graphed.cg("--color", "always", "-C", str(here), "log").stdout
    assert "\x1b" not in graphed.cg("--color=always", "-C", str(here), "log", "--color=never").stdout
    assert json.loads(graphed.cg("--json", "-C", str(here), "why", "HEAD", code=1).stdout)["schema"] == 1


def test_values_are_refused_in_the_words_of_the_options(graphed: Repo) -> None:
    def refused(*options: str) -> str:
        return graphed.cg("decide", "x", *options, code=2).stderr.splitlines()[0]

    assert refused("--risk", "huge") == "error: --risk takes low, medium or high, not `huge`"
    assert refused("--category", "x").startswith("error: --category takes architecture, implementation, tooling, recovery or")
    assert refused("--confidence", "2") == "error: --confidence takes a number from 0 to 1, not `2`"
    assert refused("--confidence", "1.5") == "error: --confidence takes a number from 0 to 1, not `1.5`"
    assert graphed.cg("log", "--status", "x", code=2).stderr.startswith("error: --status takes pending, landed or reverted, not `x`")
    for value in ("0", "1", ".5", "0.25", "1.0"):
        graphed.cg("decide", "x", "--confidence", value, "--risk", "low")


def test_alone_it_shows_its_help(graphed: Repo) -> None:
    assert "Commands:" in graphed.cg(code=2).stderr
    assert graphed.cg("--version").stdout.startswith("cg ")


def test_colours(graphed: Repo) -> None:
    assert "\x1b" not in graphed.cg("log").stdout
    assert "\x1b" in graphed.cg("log", "--color=always").stdout
    assert "\x1b[" in on_a_terminal(graphed, "log", columns=80)
    assert "\x1b[3" not in on_a_terminal(graphed, "log", columns=80, NO_COLOR="1")
    assert "\x1b[3" not in on_a_terminal(graphed, "log", "--color=never", columns=80)
    assert "\x1b" in graphed.cg("log", FORCE_COLOR="1").stdout
    assert "\x1b" not in graphed.cg("log", "--json", FORCE_COLOR="1").stdout


@pytest.mark.parametrize("columns", [40, 200])
def test_narrow_and_wide_terminals(graphed: Repo, columns: int) -> None:
    graphed.commit("a subject of many words " * 6 + "\n\nDecision: " + "long " * 60)
    for arguments in (["log"], ["why", "HEAD"], ["status"], ["search", "words"]):
        text = on_a_terminal(graphed, *arguments, columns=columns, NO_COLOR="1")
        plain = text.replace("\r", "").split("\n")
        assert plain[0]
        if arguments[0] != "status":
            assert max(len(line.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")) for line in plain) <= columns


@pytest.mark.parametrize(
    "variables", [{"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "latin-1"}, {"PYTHONIOENCODING": "ascii"}]
)
def test_a_terminal_without_unicode(graphed: Repo, variables: dict[str, str]) -> None:
    environment = {**os.environ, **variables}
    message = "ü 🦄\n\nDecision: ● ü"
    graphed.commit(message)
    for arguments in (["log"], ["why", "HEAD"], ["search", "ü"], ["decide", "🦄"], ["bogus-🦄"]):
        done = subprocess.run([CG, *arguments], cwd=graphed.path, env=environment, capture_output=True, check=False)
        assert done.returncode in (0, 2), done.stderr
        assert b"defect" not in done.stderr


def test_completion(graphed: Repo) -> None:
    script = graphed.run("bash", "-c", f"{CG} --show-completion; true").stdout  # the shell is told from the parent process
    assert "_CG_COMPLETE=complete_bash" in script
    variables = {"_CG_COMPLETE": "complete_bash", "COMP_WORDS": "cg se", "COMP_CWORD": "1"}
    assert graphed.cg(code=None, **variables).stdout.split() == ["search"]
