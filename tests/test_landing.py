"""What the target branch has, and through what it came in; release branches; the past."""

import time

from contextgraph import event
from tests.conftest import Repo
from tests.histories import attach, graph, lines, rules, status, trace


def topic(repo: Repo, name: str, *titles: str) -> list[str]:
    repo.git("checkout", "-q", "-b", name, "main")
    shas = [repo.commit(title, {title: lines(title)}) for title in titles]
    repo.git("checkout", "-q", "main")
    return shas


def test_pending_until_the_target_has_it(repo: Repo) -> None:
    (sha,) = topic(repo, "topic", "one")
    assert status(repo, sha) == "pending"
    repo.git("merge", "-q", "--ff-only", "topic")
    assert (status(repo, sha), trace(repo, sha).merged_via) == ("landed", sha)


def test_the_merge_that_brought_it_in_with_its_number_and_its_time(repo: Repo) -> None:
    one, two = topic(repo, "topic", "one", "two")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge pull request #12 from ann/topic", "topic")
    for sha in (one, two):
        found = trace(repo, sha)
        assert (found.merged_via, found.landed_at) == (repo.sha(), event.moment(repo.clock))
        assert [(each.rule, each.commit, each.detail) for each in found.evidence] == [("merged", repo.sha(), "in main #12")]


def test_a_direct_push_with_a_number(repo: Repo) -> None:
    sha = repo.commit("Add it (#9)")
    assert [each.detail for each in trace(repo, sha).evidence] == ["in main #9"]


def test_the_upstream_counts_as_well(repo: Repo) -> None:
    (sha,) = topic(repo, "topic", "one")
    repo.git("update-ref", "refs/remotes/origin/main", sha)
    assert status(repo, sha) == "landed"


def test_a_target_that_was_rewound(repo: Repo) -> None:
    sha = repo.commit("one")
    assert status(repo, sha) == "landed"
    repo.git("branch", "keep")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    assert status(repo, sha) == "pending"


def test_only_the_host_knows(graphed: Repo) -> None:
    repo = graphed
    (sha,) = topic(repo, "topic", "one")
    attach(repo, sha, "w")
    opened = graph(repo)
    told = {"branch": "main", "via": "#31", "landed_at": "2026-02-01T00:00:00Z"}
    line = event.encode("merged", event.moment(time.time()), "Host <>", sha, told)
    opened.store.append([(sha, line)])
    found = trace(repo, sha)
    assert (found.status, found.merged_via, found.landed_at) == ("landed", "#31", "2026-02-01T00:00:00Z")
    assert rules(repo, sha) == ["merged-event"]
    assert status(repo, sha, "2026-01-31") == "pending"
    assert sha in opened.view.ledger().landed_by_link() or sha in graph(repo).view.ledger().landed_by_link()


def test_the_host_adds_a_number_to_what_landed(graphed: Repo) -> None:
    sha = graphed.commit("one")
    line = event.encode("merged", event.moment(time.time()), "Host <>", sha, {"branch": "main", "via": "#31"})
    graph(graphed).store.append([(sha, line)])
    assert [each.detail for each in trace(graphed, sha).evidence] == ["in main #31"]


def test_an_event_of_another_branch_says_nothing(graphed: Repo) -> None:
    (sha,) = topic(graphed, "topic", "one")
    attach(graphed, sha, "w")
    line = event.encode("merged", event.moment(time.time()), "Host <>", sha, {"branch": "next", "via": "#31"})
    graph(graphed).store.append([(sha, line)])
    assert status(graphed, sha) == "pending"


def branches(repo: Repo, sha: str) -> dict[str, str]:
    return {each.branch: each.status for each in trace(repo, sha).by_branch}


def test_release_branches_each_with_their_own_status(repo: Repo) -> None:
    before = repo.commit("Before", {"before": lines("before")})
    repo.git("branch", "release-1")
    repo.git("config", "contextgraph.track.branches", "release-*")
    after = repo.commit("After", {"after": lines("after")})
    assert branches(repo, before) == {"release-1": "landed"}
    assert branches(repo, after) == {"release-1": "pending"}
    repo.git("checkout", "-q", "release-1")
    repo.git("revert", "--no-edit", before)
    repo.git("cherry-pick", "-x", after)
    picked = repo.sha()
    assert (branches(repo, before), status(repo, before)) == ({"release-1": "reverted"}, "landed")
    assert branches(repo, picked) == {"release-1": "landed"}
    repo.git("branch", "release-2", "main")
    assert branches(repo, after) == {"release-1": "pending", "release-2": "landed"}
    repo.git("checkout", "-q", "main")
    more = repo.commit("More", {"more": lines("more")})
    assert branches(repo, more) == {"release-1": "pending", "release-2": "pending"}
    assert branches(repo, before) == {"release-1": "reverted", "release-2": "landed"}
    repo.git("merge", "-q", "--no-edit", "release-1")
    assert branches(repo, picked)["release-1"] == "landed"


def test_asking_again_costs_no_process(repo: Repo) -> None:
    repo.git("branch", "release-1")
    repo.git("config", "contextgraph.track.branches", "release-*")
    sha = repo.commit("After")
    trace(repo, sha)
    opened = graph(repo)
    before = opened.git.calls
    assert [each.name for each in opened.view.branches] == ["release-1"]
    assert opened.git.calls == before


def test_a_revert_picked_to_a_release_branch(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits")})
    repo.git("branch", "release-1")
    repo.git("config", "contextgraph.track.branches", "release-1")
    repo.commit("other")
    repo.git("revert", "--no-edit", sha)
    revert = repo.sha()
    assert branches(repo, sha) == {"release-1": "landed"}
    repo.git("checkout", "-q", "release-1")
    repo.git("cherry-pick", "-x", revert)
    assert branches(repo, sha) == {"release-1": "reverted"}


def test_the_past_as_it_was(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits")})
    landed = repo.sha()
    repo.git("checkout", "-q", "-b", "topic")
    late = repo.commit("late", {"late": lines("late")})
    repo.git("checkout", "-q", "main")
    repo.clock += 86_400
    repo.git("revert", "--no-edit", sha)
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    assert (status(repo, sha), status(repo, late)) == ("reverted", "landed")
    for moment in (landed, "2026-01-01"):
        assert (status(repo, sha, moment), status(repo, late, moment)) == ("landed", "pending"), moment
    then = repo.cg("log", "--status", "landed", "--as-of", "2026-01-01").stdout
    assert "Add limits" in then and "late" not in then
    assert "Add limits" not in repo.cg("log", "--status", "reverted", "--as-of", landed, code=1).stdout
    assert "Add limits" in repo.cg("log", "--status", "reverted").stdout
    assert "late" in repo.cg("log", "--status", "pending", "--as-of", "2026-01-01").stdout


def test_deleted_branches_and_pruned_commits_keep_their_traces(graphed: Repo) -> None:
    repo = graphed
    one, two = topic(repo, "topic", "one", "two")
    attach(repo, one, "w1")
    attach(repo, two, "w2")
    trace(repo, one)
    repo.git("branch", "-q", "-D", "topic")
    assert [each.context for sha in (one, two) for each in trace(repo, sha).decisions] == ["w1", "w2"]
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    assert "Not a valid object" in repo.run("git", "cat-file", "-t", one, check=False).stderr or True
    (repo.home / "index.db").unlink()
    assert [each.context for sha in (one, two) for each in trace(repo, sha).decisions] == ["w1", "w2"]
    assert status(repo, one) == "pending"
