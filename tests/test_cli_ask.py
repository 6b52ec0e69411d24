"""why, search, log as people ask them."""

import json

import pytest

from tests.conftest import Repo


def test_of_one_second_children_come_first(graphed: Repo) -> None:
    """Whatever order they were indexed in, together or one by one, and whatever is filtered out between them."""
    dates = {"GIT_AUTHOR_DATE": "1800000000 +0000", "GIT_COMMITTER_DATE": "1800000000 +0000"}
    for number in range(6):
        graphed.commit(f"same second {number}", {"a" if number % 2 else "b": f"{number}\n"}, **dates)
        if number > 2:
            graphed.cg("refresh")
    wanted = [str(number) for number in (5, 4, 3, 2, 1, 0)]

    def shown(*arguments: str) -> list[str]:
        lines = graphed.cg("log", *arguments).stdout.splitlines()
        return [line.split()[-1] for line in lines if "same second" in line]

    assert shown() == wanted
    assert shown("-n", "2") == wanted[:2]
    assert shown("--path", "b") == ["4", "2", "0"]
    assert shown("--as-of", "2100-01-01") == wanted
    assert shown("--as-of", "2100-01-01", "-n", "3") == wanted[:3]


def test_how_much_more_there_is(graphed: Repo) -> None:
    for number in range(3):
        graphed.commit(f"limit {number}")
    assert "the newest 2 of 4; -n shows more" in graphed.cg("log", "-n", "2").stdout
    assert "the best 1 of 3 that have something of the question; -n shows more" in graphed.cg("search", "limit", "-n", "1").stdout


@pytest.mark.parametrize("way", ["reset", "branch"])
def test_what_no_branch_has_is_not_in_force(repo: Repo, way: str) -> None:
    repo.cg("init")
    repo.commit("base")
    repo.git("checkout", "-q", "-b", "topic")
    sha = repo.commit("thrown away\n\nDecision: flat")
    assert repo.cg("log", "--in-force").stdout.count("flat") == 1
    repo.git(*(["reset", "-q", "--hard", "HEAD~1"] if way == "reset" else ["checkout", "-q", "main"]))
    if way == "branch":
        repo.git("branch", "-q", "-D", "topic")
    repo.cg("log", "--in-force", code=1)
    assert "on no branch: thrown away" in repo.cg("log", "--in-force", "--all").stdout
    assert "on no branch: thrown away" in repo.cg("log").stdout
    assert "pending" in (told := repo.cg("why", sha).stdout) and "on no branch" in told
    (found,) = json.loads(repo.cg("log", "--json", "--in-force", "--all").stdout)["traces"]
    assert (found["status"], [each["rule"] for each in found["evidence"]]) == ("pending", ["no-branch"])
    repo.git("branch", "kept", sha)
    assert "on no branch" not in repo.cg("log", "--in-force").stdout


def test_a_commit_that_did_not_exist_then(repo: Repo) -> None:
    sha = repo.commit("later\n\nDecision: flat")
    told = repo.cg("why", "HEAD", "--as-of", "2020-01-01", code=1).stdout
    assert told == f"{sha[:10]} was made on 2026-01-01: it did not exist at that moment.\n"
    assert "flat" in repo.cg("why", "HEAD", "--as-of", "HEAD").stdout
