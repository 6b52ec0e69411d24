"""What was amended, squashed or thrown away: `cg why` says what became of it, and `cg status` counts it for what it is."""

import json
from typing import Any

from tests.conftest import Repo


def why(repo: Repo, target: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(repo.cg("why", "--json", target, code=None).stdout)
    return answer


def test_a_decision_that_was_amended_away(graphed: Repo) -> None:
    old = graphed.commit("add\n\nDecision: flat")
    (decided,) = why(graphed, old)["trace"]["decisions"]
    graphed.git("commit", "--quiet", "--amend", "-m", "add, without a word")
    new, identity = graphed.sha(), decided["id"]
    assert why(graphed, "HEAD")["remark"] == f"{old[:10]} had decided {identity} (flat), which was amended away."
    assert why(graphed, old)["remark"] == f"{old[:10]} was rewritten: {new[:10]} stands for it now."
    told = why(graphed, identity)
    assert (told["remark"], told["commit"]) == (f"{identity} was amended away: {new[:10]} has it no more.", old)
    assert "which was amended away" in graphed.cg("why", "HEAD", code=1).stdout


def test_a_decision_that_came_along_is_told_where_it_went(graphed: Repo) -> None:
    old = graphed.commit("add\n\nDecision: flat")
    graphed.cg("decide", "and round", "--commit", "HEAD")
    ids = [each["id"] for each in why(graphed, old)["trace"]["decisions"]]
    graphed.git("commit", "--quiet", "--amend", "--no-edit")
    assert why(graphed, "HEAD")["remark"] is None
    assert {(told := why(graphed, each))["commit"] == graphed.sha() and told["remark"] is None for each in ids} == {True}


def test_a_decision_that_got_another_id(graphed: Repo) -> None:
    graphed.git("checkout", "--quiet", "-b", "topic")
    graphed.commit("one\n\nDecision: flat")
    old = graphed.commit("two\n\nDecision: round")
    (decided,) = why(graphed, old)["trace"]["decisions"]
    graphed.git("rebase", "--quiet", "-i", "main", GIT_SEQUENCE_EDITOR="sed -i '2s/pick/squash/'")
    now = why(graphed, "HEAD")
    (renamed,) = (each["id"] for each in now["trace"]["decisions"] if each["options"][0]["description"] == "round")
    assert now["remark"] is None and renamed != decided["id"]
    told = why(graphed, decided["id"])
    assert (told["commit"], told["remark"]) == (graphed.sha(), f"{decided['id']} is {renamed} now: {old[:10]} was rewritten.")


def test_what_landed_as_it_was_stands_for_itself(graphed: Repo) -> None:
    landed = graphed.commit("add\n\nDecision: flat")
    graphed.git("checkout", "--quiet", "-b", "topic")
    graphed.git("commit", "--quiet", "--amend", "-m", "add, without a word")
    assert why(graphed, landed)["remark"] is None
    identity = why(graphed, landed)["trace"]["decisions"][0]["id"]
    assert (told := why(graphed, identity))["remark"] is None and told["commit"] == landed


def test_what_no_branch_has_is_counted_by_itself(graphed: Repo) -> None:
    graphed.git("checkout", "--quiet", "-b", "topic")
    picked = graphed.commit("pick me", {"a": "one\n"})
    dropped = graphed.commit("drop me", {"b": "two\n"})
    graphed.git("checkout", "--quiet", "-b", "other", "main")
    graphed.git("cherry-pick", picked)
    graphed.cg("refresh")
    for branch, no_branch in (("other", 2), ("topic", 3)):
        graphed.git("checkout", "--quiet", branch if branch == "other" else "main")
        graphed.git("branch", "-q", "-D", "topic" if branch == "other" else "other")
        for command in ("status", "track"):
            counts = json.loads(graphed.cg(command, "--json").stdout)["counts"]
            assert (counts["pending"], counts["no_branch"]) == (3 - no_branch, no_branch), command
            assert f"{3 - no_branch} pending, 0 reverted, {no_branch} on no branch" in graphed.cg(command).stdout
    for sha in (picked, dropped):
        assert [each["rule"] for each in why(graphed, sha)["trace"]["evidence"]] == ["no-branch"]


def test_a_branch_that_git_forgot_before_anyone_looked(graphed: Repo) -> None:
    graphed.git("checkout", "--quiet", "-b", "topic")
    shas = [graphed.commit(f"change {number}\n\nDecision: flat") for number in range(3)]
    graphed.cg("refresh")
    graphed.git("checkout", "--quiet", "main")
    graphed.git("branch", "-q", "-D", "topic")
    graphed.git("reflog", "expire", "--expire=now", "--all")
    graphed.git("gc", "--quiet", "--prune=now")
    counts = json.loads(graphed.cg("status", "--json").stdout)["counts"]
    assert (counts["pending"], counts["no_branch"], counts["commits"]) == (0, 3, 1)
    for sha in shas:
        told = why(graphed, sha)
        assert told["remark"] == f"{sha[:10]} is not in this clone (any more, or not yet): its record answers."
        assert [each["rule"] for each in told["trace"]["evidence"]] == ["no-branch"] and told["trace"]["decisions"]
