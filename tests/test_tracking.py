"""`cg track`: what moved since the last look, told once."""

import json
from typing import Any

from tests.conftest import Repo
from tests.histories import attach, graph, lines


def track(repo: Repo, *more: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(repo.cg("track", "--json", *more).stdout)
    return answer


def moves(repo: Repo) -> list[tuple[str, str | None, str]]:
    return [(each["sha"], each["from"], each["to"]) for each in track(repo)["changes"]]


def test_the_life_of_a_commit(graphed: Repo) -> None:
    repo = graphed
    assert moves(repo) == []
    repo.git("checkout", "-q", "-b", "topic")
    sha = repo.commit("one", {"one": lines("one")})
    attach(repo, sha, "w")
    assert moves(repo) == []
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    assert (sha, "pending", "landed") in moves(repo)
    assert moves(repo) == []
    repo.git("revert", "--no-edit", sha)
    assert (sha, "landed", "reverted") in moves(repo)
    repo.git("revert", "--no-edit", "HEAD")
    answer = track(repo)
    assert [(each["from"], each["to"]) for each in answer["changes"] if each["sha"] == sha] == [("reverted", "landed")]
    assert "relanded" in [fact["rule"] for each in answer["changes"] for fact in each["evidence"]]


def test_carried_onward_is_told_and_not_counted_twice(graphed: Repo) -> None:
    repo = graphed
    repo.git("checkout", "-q", "-b", "topic")
    sha = repo.commit("one", {"one": lines("one")})
    attach(repo, sha, "w")
    assert track(repo)["counts"] == {"pending": 1, "landed": 0, "reverted": 0, "no_branch": 0}
    repo.git("commit", "-q", "--amend", "-m", "said better")
    answer = track(repo)
    assert [(each["sha"], each["from"], each["to"]) for each in answer["changes"]] == [(sha, "pending", "carried")]
    assert [(fact["rule"], fact["commit"]) for fact in answer["changes"][0]["evidence"]] == [("amend", repo.sha())]
    assert answer["counts"] == {"pending": 1, "landed": 0, "reverted": 0, "no_branch": 0}


def test_reading_does_not_move_the_last_look(graphed: Repo) -> None:
    repo = graphed
    repo.git("checkout", "-q", "-b", "topic")
    sha = repo.commit("one")
    attach(repo, sha, "w")
    track(repo)
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--ff-only", "topic")
    repo.cg("log")
    graph(repo)
    assert track(repo, "--branch", "topic")["counts"]["landed"] == 1
    assert (sha, "pending", "landed") in moves(repo)


def test_each_branch_has_its_own_last_look(graphed: Repo) -> None:
    repo = graphed
    repo.git("branch", "release", "main")
    track(repo)
    sha = repo.commit("one", {"one": lines("one")})
    attach(repo, sha, "w")
    assert (sha, None, "landed") in moves(repo)
    assert track(repo, "--branch", "release")["changes"] == []  # the first look there
    assert "first look" in repo.cg("track", "--branch", "HEAD").stdout
    repo.git("branch", "-q", "-f", "release", "main")
    (change,) = track(repo, "--branch", "release")["changes"]
    assert (change["sha"], change["from"], change["to"]) == (sha, "pending", "landed")
    assert track(repo, "--branch", "release")["changes"] == moves(repo) == []


def test_a_target_that_is_renamed_or_away_changes_nothing(graphed: Repo) -> None:
    repo = graphed
    attach(repo, repo.commit("one", {"one": lines("one")}), "w")
    track(repo)
    repo.git("branch", "-q", "-m", "main", "elsewhere")
    answer = track(repo)
    assert (answer["changes"], answer["complete"]) == ([], False)
    repo.git("branch", "-q", "-m", "elsewhere", "trunk")
    assert moves(repo) == [] and track(repo)["branch"] == "trunk"


def test_words_for_people(graphed: Repo) -> None:
    graphed.cg("track")
    sha = graphed.commit("one")
    attach(graphed, sha, "w")
    assert "landed" in graphed.cg("track").stdout
    assert "Nothing changed" in graphed.cg("track").stdout
