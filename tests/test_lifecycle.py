"""Retirement: what was superseded steps back, what was redacted is hidden, what was purged is gone, in every clone."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from contextgraph import event, journal, merge, tombstones
from contextgraph.git import NOTES_REF, Git
from contextgraph.notes import Store
from tests.conftest import Repo
from tests.test_sync import KEYS, Hub, hub, line, notes

__all__ = ["hub"]
SECRET = "zanzibar-quokka"


def decide(repo: Repo, *choices: str, **options: str) -> list[str]:
    """The ids of decisions recorded on HEAD in one event."""
    decisions = [{"options": [{"description": choice}], "selected": 0} for choice in choices]
    before = set(decided(repo))
    repo.cg("record", stdin=json.dumps({"decisions": decisions, **options}))
    after = decided(repo)
    return [identity for identity in after if identity not in before]


def decided(repo: Repo) -> dict[str, dict[str, object]]:
    found = json.loads(repo.cg("why", "HEAD", "--json", code=None).stdout)
    return {each["id"]: each for each in found["trace"]["decisions"]}


def event_of(repo: Repo, word: str) -> str:
    return next(str(json.loads(text)["id"]) for text in repo.note() if word in text)


def held(repo: Repo | Hub, words: str) -> list[str]:
    """Where the words are still found: reachable or not, in objects, or in any file of the git directory."""
    git_dir = repo.path / ".git" if (repo.path / ".git").exists() else repo.path
    here = Repo(repo.path)
    names = here.run("git", "cat-file", "--batch-all-objects", "--batch-check=%(objectname)").stdout.split()
    found = [name for name in names if words in here.run("git", "cat-file", "-p", name).stdout]
    for path in git_dir.rglob("*"):
        if path.is_file() and "backup" not in path.parts and words.encode() in path.read_bytes():
            found.append(str(path))
    return found


def test_a_superseded_decision_names_its_successor(graphed: Repo) -> None:
    old, new = decide(graphed, "bubble sort", "quick sort")
    graphed.cg("supersede", old, new, "--because", "it is too slow")
    assert decided(graphed)[old]["superseded_by"] == new
    assert decided(graphed)[new]["superseded_by"] is None
    stored = [json.loads(text) for text in graphed.note()]
    assert [each["because"] for each in stored if each["kind"] == "superseded"] == ["it is too slow"]


def test_circles_and_unknown_ids_are_refused(graphed: Repo) -> None:
    a, b, c = decide(graphed, "a", "b", "c")
    graphed.cg("supersede", a, b)
    graphed.cg("supersede", b, c)
    lines = graphed.note()
    assert "circle" in graphed.cg("supersede", c, a, code=2).stderr
    assert "itself" in graphed.cg("supersede", a, a, code=2).stderr
    assert "no decision or event" in graphed.cg("supersede", a, "cg-000000000000", code=2).stderr
    assert "no decision or event" in graphed.cg("supersede", "nonsense", a, code=2).stderr
    assert "several decisions" in graphed.cg("redact", "cg-", code=2).stderr
    event_id = json.loads(lines[0])["id"]
    assert "is an event" in graphed.cg("supersede", event_id, a, code=2).stderr
    assert graphed.note() == lines


def test_the_first_digits_of_an_id_will_do(graphed: Repo) -> None:
    (only,) = decide(graphed, "one")
    assert json.loads(graphed.cg("redact", only[:9], "--json").stdout)["id"] == only


@pytest.mark.parametrize("what", ["decision", "event"])
def test_what_is_redacted_is_hidden_everywhere_and_in_any_order(hub: Hub, what: str) -> None:
    a, b = hub.clone("a"), hub.clone("b")
    identity = decide(a, f"use {SECRET}")[0]
    a.cg("sync")
    b.cg("sync")
    target = identity if what == "decision" else event_of(a, SECRET)
    b.cg("redact", target)
    decide(a, "something else")
    for clone in (a, b, a):
        clone.cg("sync")
    for clone in (a, b):
        assert identity not in decided(clone)
        for command in (("why", "HEAD"), ("log", "--decisions"), ("search", "quokka")):
            assert SECRET not in clone.cg(*command, code=None).stdout
        assert any(SECRET in text for text in clone.note())  # hidden, not gone


def test_purge_takes_it_out_of_everything(hub: Hub) -> None:
    a = hub.clone("a")
    kept, gone = decide(a, "kept here", f"use {SECRET}")
    a.cg("search", "quokka", code=None)
    graph_files = a.home / "index.db"
    assert graph_files.exists()
    said = a.cg("purge", gone).stderr
    backup = next((a.home / "backup").iterdir())
    assert str(backup) in said and "git gc --prune=now" in said
    assert backup.stat().st_mode & 0o077 == 0
    a.git("gc", "--quiet", "--prune=now")
    assert held(a, SECRET) == []
    assert set(decided(a)) == {kept}
    assert a.git("bundle", "list-heads", str(backup)).endswith(NOTES_REF)
    assert gone in (a.home / "purged").read_text()


def test_purge_with_push_reaches_the_remote_and_other_clones(hub: Hub) -> None:
    a, b = hub.clone("a"), hub.clone("b")
    gone = decide(a, f"use {SECRET}")[0]
    a.cg("sync")
    b.cg("sync")
    kept = decide(b, "of b, not yet shared")[0]
    a.cg("purge", gone, "--push")
    assert a.sha(NOTES_REF) == hub.git("rev-parse", NOTES_REF)
    b.cg("sync")
    assert set(decided(b)) == {kept}
    assert not any(SECRET in text for text in b.note())
    assert b.git("rev-list", "--count", NOTES_REF) == "2"  # the old history is no parent
    b.cg("purge", gone)
    for clone in (a, b):
        clone.git("gc", "--quiet", "--prune=now")
        assert held(clone, SECRET) == []
    b.cg("sync")
    a.cg("sync")
    hub.git("gc", "--quiet", "--prune=now")
    assert held(hub, SECRET) == []
    assert set(decided(a)) == {kept}


def test_purged_lines_stay_away_whoever_brings_them_back(hub: Hub) -> None:
    a, b = hub.clone("a"), hub.clone("b")
    identity = decide(a, f"use {SECRET}")[0]
    a.cg("sync")
    b.cg("sync")
    note = "\n".join(b.note())
    exported = b.cg("export").stdout
    a.cg("purge", identity, "--push")
    # A clone that knows nothing of it pushes the line again, with plain git and by force.
    b.git("push", "--quiet", "--force", "origin", f"{NOTES_REF}:{NOTES_REF}")
    a.cg("sync")
    assert identity not in decided(a) and not any(SECRET in text for text in a.note())
    a.git("notes", "--ref", "contextgraph", "append", "-m", note)
    assert identity not in decided(a)
    assert "1 left out: they are purged here" in a.cg("import", "-", stdin=exported).stderr
    b.cg("sync")
    assert identity not in decided(b)


def test_without_push_sync_says_that_the_remote_still_has_it(hub: Hub) -> None:
    a = hub.clone("a")
    identity = decide(a, f"use {SECRET}")[0]
    a.cg("sync")
    a.cg("purge", identity)
    warned = a.cg("sync").stderr
    assert "cg purge ID --push" in warned
    assert SECRET not in hub.git("notes", "--ref", "contextgraph", "show", "main")
    a.cg("purge", identity, "--push")
    assert "cg purge ID --push" not in a.cg("sync").stderr
    hub.git("gc", "--quiet", "--prune=now")
    assert held(hub, SECRET) == []


def test_what_was_purged_before_it_was_shared_is_no_matter_of_the_remote(hub: Hub) -> None:
    a, b = hub.clone("a"), hub.clone("b")
    decide(b, "theirs")
    b.cg("sync")
    (gone,) = decide(a, "never shared")
    a.cg("purge", gone)
    for number in range(3):
        decide(a, f"kept {number}")
        assert "still holds" not in a.cg("sync").stderr
    told = json.loads(a.cg("sync", "--json").stdout)
    assert told["warnings"] == []
    (again,) = decide(a, "shared, then purged")
    a.cg("sync")
    a.cg("purge", again)
    assert "still holds" in a.cg("sync").stderr


def test_a_purge_that_another_push_overtook_is_refused_by_its_lease(hub: Hub) -> None:
    a, b = hub.clone("a"), hub.clone("b")
    identity = decide(a, f"use {SECRET}")[0]
    a.cg("sync")
    decide(b, "of b")
    hook = hub.path / "hooks" / "pre-receive"
    hook.write_text(
        f"#!/bin/sh\n[ -e {hub.path}/once ] && exit 0\ntouch {hub.path}/once\n"
        f"unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_DIR\n"
        f"cd {b.path} && git fetch -q origin +{NOTES_REF}:refs/x && git notes --ref contextgraph merge -q -s cat_sort_uniq refs/x"
        f" && git push -q origin {NOTES_REF}:{NOTES_REF} || exit 1\n"
    )
    hook.chmod(0o755)
    assert "repeat the command" in a.cg("purge", identity, "--push", code=2).stderr
    a.cg("purge", identity, "--push")
    assert SECRET not in hub.git("notes", "--ref", "contextgraph", "show", "main")
    assert "of b" in hub.git("notes", "--ref", "contextgraph", "show", "main")


def test_a_decision_in_a_commit_message_is_hidden_and_people_are_told(graphed: Repo) -> None:
    graphed.commit(f"subject\n\nDecision: use {SECRET}\nBecause: it hops")
    (identity,) = decided(graphed)
    assert "stands in a commit message" in graphed.cg("purge", identity).stderr
    assert decided(graphed) == {}
    assert SECRET not in graphed.cg("log", "--decisions", code=None).stdout
    assert not any(SECRET in text for text in graphed.note())


def test_one_decision_leaves_and_its_neighbours_keep_their_ids() -> None:
    trace = {"decisions": [{"context": word} for word in ("first", "second", "third")], "summary": "all"}
    whole = event.encode("recorded", "2026-01-01T00:00:00.000Z", "Ann <a@example.com>", KEYS[0], {"trace": trace})
    from contextgraph.fold import recorded_trace

    def ids(raw: bytes) -> dict[str, str]:
        read = event.decode(raw, KEYS[0])
        assert isinstance(read, event.Event)
        return {each.context: each.id or "" for each in recorded_trace(read).decisions}

    before = ids(whole)
    (left,) = tombstones.alive([whole], KEYS[0], {before["second"]})
    assert ids(left) == {word: before[word] for word in ("first", "third")}
    (again,) = tombstones.alive([left], KEYS[0], {before["second"]})
    assert again == left


def test_a_torn_purged_file_is_read_and_written_on(tmp_path: Path) -> None:
    tombstones.add(tmp_path, ["cg-000000000001"])
    with (tmp_path / "purged").open("a") as file:
        file.write("cg-0000")
    assert tombstones.load(tmp_path) == {"cg-000000000001"}
    tombstones.add(tmp_path, ["cg-000000000002"])
    assert {"cg-000000000001", "cg-000000000002"} <= tombstones.load(tmp_path)


def test_the_embedding_cache_forgets_the_text(graphed: Repo) -> None:
    import numpy as np

    from contextgraph.index import forgetting
    from contextgraph.index.database import Database
    from contextgraph.index.embedding_cache import EmbeddingCache

    (identity,) = decide(graphed, f"use {SECRET}")
    texts = forgetting.texts(Database(graphed.home / "index.db"), identity)
    assert texts and "quokka" in texts[0]
    cache = EmbeddingCache(graphed.home / "embeddings.db", "model", 2)
    cache.put_many([*texts, "another"], np.array([[1, 0]] * (len(texts) + 1), dtype="f4"))
    graphed.cg("purge", identity)
    assert [vector is None for vector in cache.get_many([*texts, "another"])] == [True] * len(texts) + [False]
    with closing(sqlite3.connect(graphed.home / "embeddings.db")) as database:
        assert database.execute("SELECT count(*) FROM embedding").fetchone() == (1,)


def test_a_journal_under_purge_takes_what_is_written_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT", 400)
    kept = journal.Journal(tmp_path / "journal")
    kept.append([(KEYS[0], line(str(number))) for number in range(6)])
    kept.append([(KEYS[0], line("later"))])
    kept.rewrite(lambda key, raw: [] if b'"3"' in raw else [raw])
    kept.append([(KEYS[0], line("last"))])
    assert {json.loads(raw)["trace"]["summary"] for _, raw in kept.entries()} == {"0", "1", "2", "4", "5", "later", "last"}


def test_ack_keeps_its_reason_and_its_end(graphed: Repo) -> None:
    graphed.cg("ack", "f-3c19", "--because", "only in the tests", "--until", "2027-01-31")
    (acked,) = [json.loads(text) for text in graphed.note() if '"acked"' in text]
    assert (acked["finding"], acked["because"], acked["until"]) == ("f-3c19", "only in the tests", "2027-01-31")
    assert "needs its reason" in graphed.cg("ack", "f-3c19", code=2).stderr
    assert "is not a day" in graphed.cg("ack", "f-3c19", "--because", "x", "--until", "soon", code=2).stderr
    assert "no id of a finding" in graphed.cg("ack", "two words", "--because", "x", code=2).stderr


def test_a_redaction_wins_in_any_merge_order(repo: Repo) -> None:
    store = Store(Git.discover(repo.path))
    hidden = line("hidden")
    stone = event.encode("redacted", "2026-01-02T00:00:00.000Z", "B <b@example.com>", KEYS[0], {"target": json.loads(hidden)["id"]})
    a, b = notes(store, {KEYS[0]: {hidden, line("a")}}), notes(store, {KEYS[0]: {stone, line("b")}})
    assert merge.merge(store, a, b) == merge.merge(store, b, a)
    from contextgraph.fold import fold, given_trace

    events = [each for _, found in store.events(merge.merge(store, a, b)) for each in found if isinstance(each, event.Event)]
    for order in (events, events[::-1]):
        assert given_trace(fold(order), KEYS[0]).summary != "hidden"
