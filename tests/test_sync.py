"""Sharing: both sides end with everything, on the same commit, and every failure is one clear sentence that loses nothing."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from contextgraph import event, journal, lag, merge, sync, tombstones, transfer
from contextgraph.git import NOTES_REF, Git
from contextgraph.notes import Store
from tests.conftest import Repo

KEYS = ["aa" + "0" * 38, "aa" + "1" * 38, "bb" + "2" * 38]
TRACKED = "refs/contextgraph/remotes/origin/contextgraph"


def line(word: str, key: str = KEYS[0]) -> bytes:
    return event.encode("recorded", "2026-01-01T00:00:00.000Z", "Ann <a@example.com>", key, {"trace": {"summary": word}})


@pytest.fixture
def store(repo: Repo) -> Store:
    return Store(Git.discover(repo.path))


def notes(store: Store, contents: dict[str, set[bytes]], parents: list[str] | None = None) -> str:
    return merge.compose(store, contents, parents or [], base=None if not parents else parents[0])


def content(store: Store, tip: str) -> dict[str, set[bytes]]:
    return {key: set(lines) for key, lines in store.lines(tip)}


class Hub:
    """A bare repository and clones of it, all real."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def clone(self, name: str, *options: str, init: bool = True) -> Repo:
        here = Repo(self.path.parent)
        here.git("clone", "--quiet", *options, str(self.path), name)
        repo = Repo(self.path.parent / name)
        if init:
            repo.cg("init", "--no-model")
        return repo

    def git(self, *arguments: str) -> str:
        return Repo(self.path).git(*arguments)


@pytest.fixture
def hub(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setenv("CG_WORKER", "off")
    repo.git("clone", "--quiet", "--bare", str(repo.path), str(tmp_path / "hub"))
    return Hub(tmp_path / "hub")


def record(repo: Repo, word: str) -> None:
    repo.cg("record", stdin=json.dumps({"decisions": [{"context": word}]}))


def words(repo: Repo) -> list[str]:
    found = json.loads(repo.cg("why", "HEAD", "--json", code=None).stdout)
    return sorted(each["context"] for each in found["trace"]["decisions"])


def test_a_merge_is_the_same_commit_in_any_order(store: Store) -> None:
    chance = random.Random(7)
    for _ in range(8):
        base = notes(store, {key: {line(str(chance.random()), key)} for key in KEYS})
        sides = []
        for _ in range(2):
            grown = {key: {line(str(chance.random()), key) for _ in range(chance.randrange(1, 3))} for key in chance.sample(KEYS, 2)}
            old = content(store, base)
            sides.append(notes(store, {key: old[key] | lines for key, lines in grown.items()}, [base] if chance.random() < 0.5 else None))
        first, second = sides
        both = merge.merge(store, first, second)
        assert both == merge.merge(store, second, first)
        union = {key: content(store, first).get(key, set()) | content(store, second).get(key, set()) for key in KEYS}
        assert content(store, both) == {key: lines for key, lines in union.items() if lines}


def test_three_clones_hold_the_same_whatever_the_order(store: Store) -> None:
    a, b, c = (notes(store, {key: {line(word, key)} for key in KEYS[:2]}) for word in "abc")
    left = merge.merge(store, merge.merge(store, a, b), c)
    right = merge.merge(store, a, merge.merge(store, c, b))
    assert content(store, left) == content(store, right)


def test_the_side_that_has_everything_is_taken_as_it_is(store: Store) -> None:
    small = notes(store, {KEYS[0]: {line("a")}})
    later = notes(store, {KEYS[0]: {line("a"), line("b")}}, [small])
    unrelated = notes(store, {KEYS[0]: {line("a"), line("b"), line("c")}})
    assert merge.merge(store, small, later) == merge.merge(store, later, small) == later
    assert merge.merge(store, later, unrelated) == merge.merge(store, unrelated, later) == unrelated
    joined = merge.merge(store, unrelated, later, joined=True)
    assert merge.descends(store.git, joined, later) and content(store, joined) == content(store, unrelated)


def test_copies_of_a_note_under_several_paths_become_one(repo: Repo, store: Store) -> None:
    blob = store.git.text("hash-object", "-w", "--stdin", stdin=line("flat") + b"\n")
    tree = store.git.text("mktree", stdin=f"100644 blob {blob}\t{KEYS[0]}\n".encode())
    flat = repo.git("commit-tree", tree, "-m", "flat")
    split = notes(store, {KEYS[0]: {line("split")}})
    both = merge.merge(store, flat, split)
    assert content(store, both)[KEYS[0]] == {line("flat"), line("split")}
    assert store.git.text("ls-tree", "-r", "--name-only", both) == f"aa/{KEYS[0][2:]}"


def test_lines_that_somebody_deleted_come_back(store: Store) -> None:
    full = notes(store, {key: {line("x", key)} for key in KEYS})
    pruned = notes(store, {KEYS[0]: set()}, [full])
    assert content(store, merge.merge(store, full, pruned)) == content(store, full)
    assert merge.lost(store, full, pruned) == 1


def test_a_tombstone_wins_in_any_order(store: Store) -> None:
    gone = line("gone")
    identity = json.loads(gone)["id"]
    stone = event.encode("purged", "2026-01-02T00:00:00.000Z", "Ann <a@example.com>", KEYS[1], {"target": identity})
    dirty = notes(store, {KEYS[0]: {gone, line("kept")}})
    clean = notes(store, {KEYS[0]: {line("other")}, KEYS[1]: {stone}})
    both = merge.merge(store, dirty, clean)
    assert both == merge.merge(store, clean, dirty)
    assert content(store, both) == {KEYS[0]: {line("kept"), line("other")}, KEYS[1]: {stone}}
    assert identity in tombstones.load(store.git.home)


def test_two_clones_end_on_the_same_commit_with_everything(hub: Hub) -> None:
    a, b = hub.clone("a"), hub.clone("b")
    record(a, "from a")
    record(b, "from b")
    for clone in (a, b, a, b):
        clone.cg("sync")
    assert a.sha(NOTES_REF) == b.sha(NOTES_REF) == hub.git("rev-parse", NOTES_REF)
    assert words(a) == words(b) == ["from a", "from b"]
    tip = a.sha(NOTES_REF)
    assert "0 events received, 0 events sent" in a.cg("sync").stderr
    assert a.sha(NOTES_REF) == tip


def test_the_json_counts_what_came_and_went(hub: Hub) -> None:
    a, b = hub.clone("a"), hub.clone("b")
    record(a, "one")
    assert json.loads(a.cg("sync", "--json").stdout) | {"tip": ""} == {
        "schema": 1,
        "remote": "origin",
        "received": 0,
        "sent": 1,
        "tip": "",
        "warnings": [],
        "complete": True,
        "reasons": [],
    }
    record(b, "two")
    answer = json.loads(b.cg("sync", "--json").stdout)
    assert (answer["received"], answer["sent"]) == (1, 1)


def test_a_plain_fetch_is_enough_to_read_what_others_wrote(hub: Hub) -> None:
    a, b = hub.clone("a"), hub.clone("b")
    record(a, "from a")
    a.cg("sync")
    record(b, "from b")
    b.git("pull", "--quiet", "--prune")
    assert words(b) == ["from a", "from b"]
    hub.git("update-ref", "-d", NOTES_REF)
    b.git("fetch", "--quiet", "--prune")
    assert words(b) == ["from a", "from b"]


def test_nothing_new_from_remotes_costs_no_process(hub: Hub) -> None:
    from contextgraph.graph import Graph

    a = hub.clone("a")
    record(a, "one")
    a.cg("sync")
    a.cg("status")

    def calls() -> int:
        graph = Graph.open(a.path)
        graph.catch_up()
        return graph.git.calls

    calls()
    with_remote = calls()
    a.git("update-ref", "-d", TRACKED)
    calls()
    assert with_remote == calls()


def test_after_a_forced_refspec_of_another_tool_nothing_of_ours_is_lost(hub: Hub) -> None:
    a, b = hub.clone("a"), hub.clone("b")
    record(a, "from a")
    a.cg("sync")
    record(b, "from b")
    b.git("config", "--add", "remote.origin.fetch", "+refs/notes/*:refs/notes/*")
    b.git("fetch", "--quiet")
    assert b.sha(NOTES_REF) == a.sha(NOTES_REF)  # the fact: the fetch has thrown our event away
    assert words(b) == ["from a", "from b"]


def test_notes_pruned_in_a_shallow_clone_come_back_and_are_never_pushed_away(hub: Hub) -> None:
    a = hub.clone("a")
    for word in ("one", "two"):
        a.commit(word)
        record(a, word)
    a.git("push", "--quiet")
    a.cg("sync")
    shallow = hub.clone("shallow", "--depth", "1", "--no-local")
    shallow.cg("sync")
    shallow.git("notes", "--ref", "contextgraph", "prune")
    refused = shallow.cg("sync", "--push-only", code=2)
    assert "have lost" in refused.stderr and "without a tombstone" in refused.stderr
    shallow.cg("sync")
    assert len(hub.git("notes", "--ref", "contextgraph", "list").splitlines()) == 2
    assert shallow.sha(NOTES_REF) == a.sha(NOTES_REF)


def test_in_a_partial_clone_sync_brings_the_text_and_a_plain_fetch_says_that_it_does_not(hub: Hub) -> None:
    hub.git("config", "uploadpack.allowFilter", "true")
    a = hub.clone("a")
    record(a, "from a")
    a.cg("sync")
    partial = hub.clone("partial", "--filter=blob:none", "--no-local")
    partial.git("fetch", "--quiet")
    assert "without their text" in partial.cg("status").stdout
    partial.cg("sync")
    assert words(partial) == ["from a"]
    assert "without their text" not in partial.cg("status").stdout


@pytest.mark.parametrize("name", ["sha256", "reftable"])
def test_other_formats_of_repositories(tmp_path: Path, name: str) -> None:
    here = Repo(tmp_path)
    option = "--object-format=sha256" if name == "sha256" else "--ref-format=reftable"
    if here.run("git", "init", "--quiet", "--bare", option, "hub", check=False).returncode:
        pytest.skip(f"this git knows no {option}")
    here.run("git", "init", "--quiet", option, "work")
    work = Repo(tmp_path / "work")
    work.git("remote", "add", "origin", str(tmp_path / "hub"))
    work.commit("one")
    work.cg("init", "--no-model")
    record(work, "kept")
    work.cg("sync")
    assert Repo(tmp_path / "hub").git("rev-parse", NOTES_REF) == work.sha(NOTES_REF)


def test_a_remote_without_notes_and_nothing_here(hub: Hub) -> None:
    a = hub.clone("a")
    assert "no notes there, and none here" in a.cg("sync").stderr
    record(a, "one")
    assert "0 events received, 1 event sent" in a.cg("sync").stderr


def test_sync_leaves_everything_else_of_the_user_alone(hub: Hub) -> None:
    a = hub.clone("a")
    a.git("config", "push.followTags", "true")
    a.git("fetch", "--quiet", "origin", "main")
    fetched = (a.path / ".git" / "FETCH_HEAD").read_bytes()
    hook = a.path / ".git" / "hooks" / "pre-push"
    hook.write_text("#!/bin/sh\ntouch pushed; cg sync; exit 1\n")
    hook.chmod(0o755)
    a.commit("two")
    a.git("tag", "-a", "-m", "tag", "v1")
    record(a, "one")
    a.cg("sync")
    assert (a.path / ".git" / "FETCH_HEAD").read_bytes() == fetched
    assert not (a.path / "pushed").exists()
    assert hub.git("for-each-ref", "--format=%(refname)").split() == ["refs/heads/main", NOTES_REF]


def test_init_and_uninstall_of_the_refspec_restore_the_bytes(hub: Hub) -> None:
    a = hub.clone("a", init=False)
    a.git("remote", "add", "fork/of.it", str(hub.path))
    before = (a.path / ".git" / "config").read_bytes()
    a.cg("init", "--no-model")
    for remote in ("origin", "fork/of.it"):
        values = a.git("config", "--get-all", f"remote.{remote}.fetch").splitlines()
        assert values[1:] == [f"+refs/notes/contextgraph*:refs/contextgraph/remotes/{remote}/contextgraph*"]
        assert not a.git("config", "--get-all", f"remote.{remote}.push", check=False)
    assert not a.git("config", "notes.rewriteRef", check=False)
    a.cg("init", "--no-model")
    assert len(a.git("config", "--get-all", "remote.origin.fetch").splitlines()) == 2
    a.cg("uninstall")
    assert (a.path / ".git" / "config").read_bytes() == before


def test_which_remote_is_meant(hub: Hub, graphed: Repo) -> None:
    assert "no remote" in graphed.cg("sync", code=2).stderr
    a = hub.clone("a")
    assert "there is no remote `nowhere`" in a.cg("sync", "nowhere", code=2).stderr
    a.git("remote", "rename", "origin", "up")
    record(a, "one")
    assert "up: " in a.cg("sync").stderr  # the only one
    a.git("remote", "add", "fork", str(hub.path))
    several = a.cg("sync", code=2)
    assert "several remotes" in several.stderr and "cg sync" in several.stderr
    assert "fork: " in a.cg("sync", "fork").stderr


@contextmanager
def asking_for_a_password() -> Iterator[str]:
    """A web server that knows nobody."""

    class Nobody(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Nobody)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/repo.git"
    finally:
        server.shutdown()
        server.server_close()


def test_each_failure_is_one_sentence_and_loses_nothing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    a = hub.clone("a")
    record(a, "kept")
    hook = hub.path / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    hook.chmod(0o755)
    assert "takes nothing from you" in a.cg("sync", code=2).stderr
    hook.unlink()
    a.git("remote", "set-url", "origin", str(hub.path.parent / "nothing"))
    assert "there is no repository at its address" in a.cg("sync", code=2).stderr
    a.git("remote", "set-url", "origin", "http://127.0.0.1:9/repo.git")
    assert "it cannot be reached" in a.cg("sync", code=2).stderr
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with asking_for_a_password() as url:
        a.git("remote", "set-url", "origin", url)
        assert "did not accept who you are" in a.cg("sync", code=2).stderr
    a.git("remote", "set-url", "origin", str(hub.path))
    assert words(a) == ["kept"]
    a.cg("sync")
    assert hub.git("rev-parse", NOTES_REF) == a.sha(NOTES_REF)


def test_a_remote_that_moves_under_a_push_is_fetched_again(hub: Hub) -> None:
    a, b = hub.clone("a"), hub.clone("b")
    record(a, "from a")
    record(b, "from b")
    # Between the fetch and the push of `a`, `b` syncs: once.
    hook = hub.path / "hooks" / "pre-receive"
    hook.write_text(
        f"#!/bin/sh\n[ -e {hub.path}/once ] && exit 0\ntouch {hub.path}/once\n"
        f"unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_DIR\n"
        f"cd {b.path} && git push -q origin {NOTES_REF}:{NOTES_REF} || exit 1\n"
    )
    hook.chmod(0o755)
    a.cg("sync")
    assert words(a) == ["from a", "from b"]
    b.cg("sync")
    assert b.sha(NOTES_REF) == a.sha(NOTES_REF)


def test_the_journal_is_dropped_only_when_a_remote_holds_it(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT", 2_000)
    a = hub.clone("a")
    store = Store(Git.discover(a.path))
    head = a.sha()
    for number in range(12):
        store.append([(head, line(f"{number} " + "x" * 400, head))])
    assert len(store.journal.segments()) > 2
    assert sync.drop_journal(store, None) == 0
    assert sync.drop_journal(store, notes(store, {head: {line("another", head)}})) == 0
    a.cg("sync")
    assert len(store.journal.segments()) == 1
    store.append([(head, line("after", head))])
    assert len(content(store, a.sha(NOTES_REF))[head]) == 13


def test_once_a_day_people_hear_of_twenty_unshared_traces(hub: Hub) -> None:
    a = hub.clone("a")
    for number in range(lag.REMIND - 1):
        record(a, f"word {number}")
    assert "in this clone alone" not in a.cg("status").stderr
    record(a, "one more")
    assert "20 recorded traces are in this clone alone; `cg sync` shares them" in a.cg("log").stderr
    record(a, "and another")
    assert "in this clone alone" not in a.cg("log").stderr
    (a.home / "reminded").unlink()
    a.cg("sync")
    assert "in this clone alone" not in a.cg("log").stderr


def test_status_says_how_far_each_remote_is(hub: Hub) -> None:
    a, b = hub.clone("a"), hub.clone("b")
    record(a, "one")
    remotes = json.loads(a.cg("status", "--json").stdout)["notes"]["remotes"]
    assert remotes == {"origin": {"ahead": 1, "behind": 0, "fetched": False}}
    a.cg("sync")
    record(a, "two")
    remotes = json.loads(a.cg("status", "--json").stdout)["notes"]["remotes"]
    assert remotes == {"origin": {"ahead": 1, "behind": 0, "fetched": True}}
    assert "1 event to send" in a.cg("status").stdout
    assert json.loads(b.cg("status", "--json").stdout)["notes"]["remotes"]["origin"]["fetched"] is False


def test_answers_say_when_a_remote_was_never_asked_for_its_notes(hub: Hub) -> None:
    a = hub.clone("a", init=False)
    record(a, "here")

    def told(repo: Repo) -> list[str]:
        found = []
        for command in (("why", "HEAD"), ("search", "here"), ("log",), ("status",)):
            answer = json.loads(repo.cg(*command, "--json", code=None).stdout)
            assert answer["complete"] is (not answer["reasons"])
            found.append([each for each in answer["reasons"] if "never fetched" in each])
        assert all(each == found[0] for each in found)
        return found[0]

    assert told(a) == ["the notes of `origin` were never fetched: decisions in them are not seen (`cg sync --fetch-only`)"]
    assert a.cg("log").stdout.count("never fetched") == 1
    a.cg("sync", "--fetch-only")
    assert told(a) == [], "it was asked, and has none"
    assert json.loads(a.cg("status", "--json").stdout)["notes"]["remotes"]["origin"]["fetched"] is True
    assert "1 event to send" in a.cg("status").stdout
    c = hub.clone("c", init=False)
    assert told(c)
    c.cg("check", "--fetch", code=None)
    assert told(c) == [], "a check has asked it"
    b = hub.clone("b")
    assert told(b), "the refspec is there, and nothing was fetched since"
    b.git("fetch", "--quiet")
    assert told(b) == []
    b.git("remote", "add", "fork", str(hub.path))
    assert told(b) == [], "whoever has many forks would hear of each"


def test_status_reads_no_notes_for_a_remote_that_was_never_fetched(hub: Hub) -> None:
    from contextgraph.cli.state import gather
    from contextgraph.graph import Graph

    a = hub.clone("a")
    record(a, "one")
    a.cg("status")

    def calls() -> int:
        graph = Graph.open(a.path)
        graph.catch_up()
        graph.remind()
        gather(graph)
        return graph.git.calls

    (a.home / "reminded").unlink()
    with_remote = calls()
    a.git("remote", "remove", "origin")
    assert calls() == with_remote


def test_progress_is_told(hub: Hub) -> None:
    a = hub.clone("a")
    store = Store(Git.discover(a.path))
    head = a.sha()
    store.append([(head, line("one", head))])
    told: list[tuple[str, int, int | None]] = []
    transfer.push(store.git, "origin", a.sha(NOTES_REF), lambda *each: told.append(each))
    assert ("writing objects", 4, 4) in told


def test_export_and_import_carry_every_byte(hub: Hub, graphed: Repo) -> None:
    a = hub.clone("a")
    record(a, "one")
    record(a, "two")
    a.git("notes", "--ref", "contextgraph", "append", "-m", "not json at all")
    exported = a.cg("export").stdout
    assert exported == a.cg("export").stdout and len(exported.splitlines()) == 3
    assert exported.splitlines() == sorted(exported.splitlines(), key=lambda text: json.loads(text)["key"])
    b = hub.clone("b")
    assert "3 events imported, 0 there already" in b.cg("import", "-", stdin=exported).stderr
    assert words(b) == ["one", "two"] and sorted(b.note()) == sorted(filter(None, a.note()))
    tip = b.sha(NOTES_REF)
    assert "0 events imported, 3 there already" in b.cg("import", "-", stdin=exported).stderr
    assert b.sha(NOTES_REF) == tip


def test_import_refuses_what_was_tampered_with_and_keeps_nothing_of_it(graphed: Repo) -> None:
    record(graphed, "one")
    exported = graphed.cg("export").stdout
    tip = graphed.sha(NOTES_REF)
    for forged in (exported.replace("one", "two"), "{}", '{"key":"x","event":{}}', exported.replace('"key":"', '"key":"zz'), "garbage"):
        refused = graphed.cg("import", "-", stdin=exported + forged, code=2)
        assert "line 2" in refused.stderr
    assert graphed.sha(NOTES_REF) == tip


def test_notes_travel_in_a_bundle_too(hub: Hub) -> None:
    """As docs/sync.md shows it."""
    a, b = hub.clone("a"), hub.clone("b")
    record(a, "from a")
    a.git("bundle", "create", "--quiet", "../notes.bundle", NOTES_REF)
    record(b, "from b")
    b.git("fetch", "--quiet", "../notes.bundle", f"{NOTES_REF}:refs/contextgraph/remotes/bundle/contextgraph")
    assert words(b) == ["from a", "from b"]
