"""Two clocks: when it was decided, and when that became known in this clone."""

import json
import subprocess

from contextgraph.query import known
from tests.conftest import Repo

DAY = 86_400


def decided(repo: Repo, *options: str) -> list[str]:
    answer = json.loads(repo.cg("why", "HEAD", "--json", *options, code=None).stdout)
    return [each["context"] for each in answer["trace"]["decisions"]]


def record(repo: Repo, context: str, when: int) -> None:
    """Record now, as if this clone's log of the notes had been written at `when`."""
    repo.cg("record", "-F", "-", stdin=json.dumps({"decisions": [{"context": context}]}))
    log = repo.path / ".git/logs/refs/notes/contextgraph"
    lines = log.read_text().splitlines()
    head, _, tail = lines[-1].partition("> ")
    lines[-1] = f"{head}> {when} +0000\t{tail.partition(chr(9))[2]}"
    log.write_text("\n".join(lines) + "\n")


def test_what_was_known_is_told_from_what_was_decided(graphed: Repo) -> None:
    graphed.commit("one")
    graphed.cg("refresh")
    start = 1_800_000_000
    record(graphed, "first", start)
    record(graphed, "second", start + 2 * DAY)
    assert decided(graphed) == ["first", "second"]
    assert decided(graphed, "--known-at", "2027-01-16") == ["first"]
    assert decided(graphed, "--known-at", "2027-01-18") == ["first", "second"]


def test_before_the_log_begins_nothing_was_known(graphed: Repo) -> None:
    graphed.commit("one")
    record(graphed, "first", 1_800_000_000)
    assert decided(graphed, "--known-at", "2020-01-01") == []


def test_the_answer_is_marked_as_best_effort(graphed: Repo) -> None:
    graphed.commit("one")
    record(graphed, "first", 1_800_000_000)
    answer = json.loads(graphed.cg("why", "HEAD", "--json", "--known-at", "2027-02-01", code=None).stdout)
    assert answer["complete"] is False
    assert known.BEST_EFFORT in answer["reasons"]


def test_notes_that_arrive_later_were_not_known_before(graphed: Repo) -> None:
    """Decided in one clone on one day, fetched into another on a later one."""
    graphed.commit("one")
    other = Repo(graphed.path.parent / "other")
    subprocess.run(["git", "clone", "--quiet", str(graphed.path), str(other.path)], check=True)
    other.cg("init", "--no-model")
    record(graphed, "theirs", 1_800_000_000)
    other.cg("sync", "--fetch-only")
    assert decided(other) == ["theirs"]
    assert decided(other, "--known-at", "2020-01-01") == []
