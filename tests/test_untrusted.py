"""Notes are somebody's push: nothing in them reaches the terminal, the file system or the processor as more than text."""

import json
import re
import time
from pathlib import Path

import pytest

from contextgraph import event, notetree
from contextgraph.git import NOTES_REF, Git
from contextgraph.notes import MOST, Store
from tests.conftest import CG, Repo

HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b1mC1\u202eesrever\u2066\u200f [bold]markup[/bold] [link=file:///x]y[/link] :smile: \r\x08\x7f"
)
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def foreign(repo: Repo, kind: str, **fields: object) -> bytes:
    """A line as another clone, which need not be ours, could write it."""
    return event.encode(kind, "2026-01-01T00:00:00.000Z", f"Mallory{HOSTILE} <m@example.com>".replace("\n", ""), repo.sha(), fields)


def put(repo: Repo, data: bytes, key: str | None = None) -> None:
    """Make this the note of HEAD, byte for byte, as a push would."""
    git = Git.discover(repo.path)
    blob = git.text("hash-object", "-w", "--stdin", stdin=data)
    tree = git.text("mktree", stdin=f"100644 blob {blob}\t{key or repo.sha()}\n".encode())
    repo.git("update-ref", NOTES_REF, repo.git("commit-tree", tree, "-m", "push"))


def decision(**fields: object) -> dict[str, object]:
    return {"options": [{"description": f"choice {HOSTILE}"}], "selected": 0, **fields}


@pytest.fixture
def pushed(graphed: Repo) -> Repo:
    """A repository whose notes, commit message, author, branch and path names are hostile as far as git lets them."""
    graphed.git("checkout", "--quiet", "-b", "feature/\u202ex")
    subject = f"subject {HOSTILE}".replace("\r", "")
    name = "Mal\x1b[31mlory\u202e"
    graphed.commit(f"{subject}\n\nbody {HOSTILE}", {"a\x1b[31m\u202e.py": "x = 1\n"}, GIT_AUTHOR_NAME=name, GIT_COMMITTER_NAME=name)
    everything = decision(
        context=HOSTILE,
        reasoning=HOSTILE,
        area=HOSTILE,
        expires=HOSTILE,
        supersedes=HOSTILE,
        id="cg-" + "a" * 12,
        quote=HOSTILE,
        constraints=[HOSTILE],
        guard=[f"*: {HOSTILE}"],
        related=[HOSTILE],
        rejected=[{"option": HOSTILE, "reason": HOSTILE}],
    )
    trace = {"summary": HOSTILE, "branch": HOSTILE, "mode": HOSTILE, "areas": [HOSTILE], "decisions": [everything, decision()]}
    lines = [
        foreign(graphed, "recorded", trace=trace),
        foreign(graphed, "superseded", target="cg-" + "a" * 12, because=HOSTILE, **{"with": HOSTILE}),
        foreign(graphed, "acked", finding=HOSTILE, because=HOSTILE, until=HOSTILE),
        foreign(graphed, "merged", branch=HOSTILE, via=HOSTILE, landed_at=HOSTILE),
        foreign(graphed, "carried", how="amend", **{"from": HOSTILE}),
        f"not ours {HOSTILE}".encode(),
        b'{"at":"x","v":99,"id":"\x1b[31m"}',
    ]
    put(graphed, b"\n".join(lines))
    return graphed


COMMANDS = (
    ("why", "HEAD"),
    ("why", "cg-" + "a" * 12),
    ("why", "a\x1b[31m\u202e.py"),
    ("why", "a\x1b[31m\u202e.py:1"),
    ("why", HOSTILE.replace("\x00", "")),
    ("log",),
    ("log", "--decisions", "--all"),
    ("log", "--in-force", "--path", "a*"),
    ("search", "choice markup"),
    ("search", "--explain", "--decisions", "choice"),
    ("status",),
    ("track",),
    ("check", "HEAD"),
    ("check", "HEAD", "--format", "markdown"),
    ("check", "HEAD", "--format", "github"),
    ("doctor",),
    ("refresh",),
    ("decide",),
    ("sync", HOSTILE),
    ("redact", HOSTILE),
    ("supersede", HOSTILE, HOSTILE),
    ("ack", HOSTILE, "--because", "x"),
    ("config", "get", HOSTILE),
    ("config", "list"),
)


@pytest.mark.parametrize("color", ["never", "always"])
def test_no_command_prints_what_a_terminal_would_obey(pushed: Repo, color: str) -> None:
    for command in COMMANDS if color == "never" else COMMANDS[:11:2]:
        done = pushed.cg(*command, f"--color={color}", code=None)
        assert done.returncode in (0, 1, 2, 3), (command, done.stderr)
        for text in (done.stdout, done.stderr):
            own = re.sub(r"\x1b\[[0-9;]*m", "", text) if color == "always" else text
            found = OBEYED.search(own)
            assert found is None, (command, own[max(0, found.start() - 60) : found.start() + 20])
            assert "\x1b]" not in text and "\x1b[2J" not in text, command


def test_markup_is_text(pushed: Repo) -> None:
    said = pushed.cg("why", "HEAD").stdout
    assert "[bold]markup[/bold]" in said.replace("\n", "") or "[bold]markup" in said
    assert ":smile:" in said or "smile" in said


def test_json_carries_the_words_as_they_are_but_escaped(pushed: Repo) -> None:
    for command in (("why", "HEAD"), ("log",), ("search", "choice"), ("status",), ("check", "HEAD"), ("doctor",), ("track",)):
        assert OBEYED.search(pushed.cg(*command, "--json", code=None).stdout) is None, command
    for form in ("json", "sarif", "gitlab"):
        assert OBEYED.search(pushed.cg("check", "HEAD", "--format", form, code=None).stdout) is None, form
    done = pushed.cg("why", "HEAD", "--json")
    assert any("\x1b]0;owned" in each["options"][0]["description"] for each in json.loads(done.stdout)["trace"]["decisions"])


def test_an_export_is_exact_in_a_pipe_and_harmless_on_a_terminal(pushed: Repo) -> None:
    exact = pushed.cg("export").stdout
    assert "\u202e" in exact
    shown = pushed.run("script", "-qec", f"{CG} export", "/dev/null", check=False).stdout.replace("\r\n", "\n")
    if not shown:
        pytest.skip("no terminal can be made here (script)")
    assert OBEYED.search(shown) is None
    assert [json.loads(line) for line in shown.splitlines()] == [json.loads(line) for line in exact.splitlines()]


def test_a_note_of_200_megabytes_is_kept_and_not_read(graphed: Repo) -> None:
    put(graphed, b"x" * 200_000_000)
    blob = graphed.git("rev-parse", f"{NOTES_REF}:{graphed.sha()}")
    started = time.monotonic()
    graphed.cg("record", stdin=json.dumps({"summary": "beside it"}))
    assert "1 lines in notes are not ours to read" in graphed.cg("status").stdout
    assert "beside it" in graphed.cg("why", "HEAD", code=None).stdout
    graphed.cg("record", stdin=json.dumps({"summary": "again"}))
    assert time.monotonic() - started < 20
    tree = graphed.git("ls-tree", "-r", NOTES_REF)
    assert blob in tree and f"{graphed.sha()[:2]}/{graphed.sha()[2:]}" in tree and len(tree.splitlines()) == 2


def test_two_giants_survive_a_merge(graphed: Repo) -> None:
    from contextgraph import merge

    store = Store(Git.discover(graphed.path))
    tips = []
    for filler in (b"x", b"y"):
        put(graphed, filler * (notetree.LARGEST + 1))
        tips.append(graphed.sha(NOTES_REF))
    both = merge.merge(store, tips[0], tips[1])
    assert both == merge.merge(store, tips[1], tips[0])
    ((_, lines),) = store.lines(both)
    assert len(lines) == 2 and all(line.startswith(notetree.UNREAD) for line in lines)
    assert merge.lost(store, tips[0], both) == merge.lost(store, tips[1], both) == 0


@pytest.mark.parametrize("shape", ["junk", "json", "events"])
def test_a_million_lines_do_not_hang(graphed: Repo, shape: str) -> None:
    ours = foreign(graphed, "recorded", trace={"summary": "ours"})
    if shape == "events":
        lines = [b'{"at":"2026-01-01T00:00:00.%06dZ","by":"x"}' % number for number in range(300_000)]
    else:
        lines = [(b"%d" if shape == "junk" else b'{"%d":1}') % number for number in range(1_000_000)]
    put(graphed, b"\n".join([*lines, ours]))
    started = time.monotonic()
    graphed.cg("status")
    assert time.monotonic() - started < 40
    if shape != "events":
        assert "ours" in graphed.cg("why", "HEAD", code=None).stdout
    store = Store(Git.discover(graphed.path))
    ((_, decoded),) = store.events(graphed.sha(NOTES_REF))
    assert len(decoded) == MOST + 1 and "beyond" in getattr(decoded[-1], "why", "")


DEEP = (
    b"[" * 60_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"at":"2026-01-01T00:00:00.000Z","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    b'{"at":"2026-01-01T00:00:00.000Z","n":' + b"9" * 60_000 + b"}",
    b'{"at":"' + b"\xff" * 1_000 + b'"}',
    b'{"\\u0000":1}',
    b"\x00" * 1_000,
    b'{"a":1,"a":2}',
)


def test_no_line_crashes_a_reader(graphed: Repo) -> None:
    deep: object = "x"
    for _ in range(60):
        deep = [deep]
    ours = foreign(graphed, "recorded", trace={"summary": "ours", "tool_calls": [{"tool": "t", "args": deep}]})
    put(graphed, b"\n".join([*DEEP, ours]))
    before = set(graphed.run("git", "notes", "--ref", "contextgraph", "show").stdout.splitlines())
    for command in (("why", "HEAD"), ("why", "HEAD", "--json"), ("log",), ("search", "ours"), ("status",), ("export",)):
        assert graphed.cg(*command, code=None).returncode in (0, 1), command
    graphed.cg("record", stdin=json.dumps({"summary": "more"}))
    assert before <= set(graphed.run("git", "notes", "--ref", "contextgraph", "show").stdout.splitlines())


@pytest.mark.parametrize("name", ["../../../etc/passwd", "config", "x" * 300, "ab/" + "c" * 38 + "/../../HEAD", "..", "ab/cd"])
def test_strange_paths_in_the_notes_tree_are_no_notes(name: str) -> None:
    assert notetree.key_of(name) is None


def test_a_note_cannot_name_a_file_or_a_command(graphed: Repo) -> None:
    marker = graphed.path.parent / "ran"
    evil = f"$(touch {marker}); `touch {marker}` | touch {marker} --output={marker} -o{marker}"
    trace = {
        "summary": evil,
        "branch": f"--output={marker}",
        "decisions": [decision(id=f"--output={marker}", context=evil, guard=[f"*: {evil}"])],
    }
    lines = [
        foreign(graphed, "recorded", trace=trace),
        foreign(graphed, "carried", how="amend", **{"from": f"--output={marker}"}),
        foreign(graphed, "merged", branch=f"--output={marker}", via=evil, landed_at=evil),
    ]
    put(graphed, b"\n".join(lines))
    graphed.commit("next", {"a.py": "x = 1\n"})
    before = sorted(path for path in graphed.path.parent.rglob("*") if ".git" not in path.parts)
    for command in (
        ("why", "HEAD~1"),
        ("log", "--decisions"),
        ("search", "touch"),
        ("status",),
        ("track",),
        ("check", "HEAD~1..HEAD"),
        ("doctor",),
    ):
        graphed.cg(*command, code=None)
    assert not marker.exists()
    assert sorted(path for path in graphed.path.parent.rglob("*") if ".git" not in path.parts) == before


def test_the_policy_file_can_name_no_command_no_url_and_no_path(graphed: Repo) -> None:
    from contextgraph import config

    for key in config.KEYS.values():
        if key.policy and key.name != "check.paths":  # globs that paths of the change are held against; none is opened
            assert not re.search(r"command|pager|editor|url|host|remote|path|file|directory|exec|hook", key.name), key.name
    for text in ("[ui]\npager = true\n", '[embed]\nurl = "http://127.0.0.1:9"\n', '[hooks]\ncommand = "touch x"\n'):
        (graphed.path / ".contextgraph.toml").write_text(text)
        assert graphed.cg("log", code=2).stderr.startswith("error: ")


def test_a_policy_file_that_is_a_link_a_device_or_huge_is_no_trouble(graphed: Repo, tmp_path: Path) -> None:
    policy = graphed.path / ".contextgraph.toml"
    (tmp_path / "outside").write_text("secret words that are not TOML\n")
    policy.symlink_to(tmp_path / "outside")
    refused = graphed.cg("log", code=None)
    assert "secret words" not in refused.stdout + refused.stderr
    policy.unlink()
    policy.write_text("[capture]\n" + "# filler\n" * 2_000_000)
    started = time.monotonic()
    graphed.cg("log", code=None)
    assert time.monotonic() - started < 20


def test_words_of_the_terminal_are_not_obeyed_either(graphed: Repo) -> None:
    done = graphed.run(str(CG), "why", "\x1b]0;owned\x07", check=False)
    assert OBEYED.search(done.stdout + done.stderr) is None
