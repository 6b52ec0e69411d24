"""cg check on small real histories: each rule fires, is silent where it should be, can be accepted, and says what it cannot see."""

import json
from pathlib import Path
from typing import Any

import pytest

from contextgraph.check.rules import RULES
from contextgraph.config import CHECKS
from tests.conftest import Repo

RETRY = """def retry(call, times):
    for attempt in range(times):
        try:
            return call()
        except TimeoutError:
            backoff(attempt)
"""
JSON_DECISION = """Store cache entries as JSON

Decision: JSON for cache entries
Rejected: pickle | it runs code on load
Because: entries come from other users
Guard: src/**: \\bpickle\\.loads?\\("""


def checked(repo: Repo, *arguments: str, code: int | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(repo.cg("check", "--json", *arguments, code=code).stdout)
    return answer


def rules(answer: dict[str, Any], level: str | None = None) -> list[str]:
    return [each["rule"] for each in answer["findings"] if level is None or each["level"] == level]


@pytest.fixture
def guarded(repo: Repo) -> Repo:
    """main has a decision with a guard; a branch is checked out."""
    repo.commit(JSON_DECISION, {"src/cache.py": "import json\n\n\ndef load(text):\n    return json.loads(text)\n"})
    repo.git("checkout", "--quiet", "-b", "feature")
    return repo


@pytest.fixture
def reverted(repo: Repo) -> Repo:
    """main has a change and its revert; a branch is checked out."""
    repo.commit("Add retries to every call", {"src/retry.py": RETRY})
    repo.git("revert", "--no-edit", "HEAD")
    repo.git("checkout", "--quiet", "-b", "feature")
    return repo


def test_the_table_has_every_rule() -> None:
    assert list(RULES) == [name for name, _, _ in CHECKS]


def test_nothing_to_check(repo: Repo) -> None:
    answer = checked(repo, code=0)
    assert answer["findings"] == [] and answer["complete"] and answer["commits"] == 0


def test_guard_on_an_added_line_fails(guarded: Repo) -> None:
    sha = guarded.commit("Faster", {"src/fast.py": "import pickle\n\nvalue = pickle.load(open('x'))\n"})
    answer = checked(guarded, code=1)
    (found,) = [each for each in answer["findings"] if each["rule"] == "guard"]
    assert (found["level"], found["path"], found["line"], found["commit"]) == ("error", "src/fast.py", 3, sha)
    assert found["words"] == ["pickle.load("]
    assert found["precedent"]["decision"].startswith("cg-") and found["precedent"]["status"] == "in force"
    assert found["id"] in found["ack"] and found["trailer"].startswith(f"Ack: {found['id']} | ")
    assert answer["counts"]["error"] == 1


@pytest.mark.parametrize(
    "files",
    [
        {"docs/notes.md": "Never call pickle.load(x) here.\n"},
        {"src/safe.py": "# pickle.load(x) runs code\n"},
        {"src/safe.py": 'def f():\n    """Like pickle.load(x), but safe."""\n'},
        {"lib/fast.py": "value = pickle.load(x)\n"},
        {"src/package-lock.json": '{"x": "pickle.load("}\n'},
    ],
    ids=["prose", "comment", "docstring", "out of scope", "lock file"],
)
def test_guard_is_about_code_in_scope(guarded: Repo, files: dict[str, str]) -> None:
    guarded.commit("Write", files)
    assert "guard" not in rules(checked(guarded, code=0))


def test_guard_in_a_note_alone_warns(repo: Repo) -> None:
    repo.commit("base", {"src/a.py": "x = 1\n"})
    repo.cg("decide", "No eval", "--guard", r"src/**: \beval\(", "--commit", "HEAD")
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("Compute", {"src/b.py": "y = eval('1')\n"})
    assert rules(checked(repo, code=0), "warning") == ["guard"]
    assert rules(checked(repo, "--strict", code=1), "error") == ["guard"]


def test_moved_line_is_not_added(guarded: Repo) -> None:
    guarded.git("checkout", "--quiet", "main")
    guarded.commit("Old code", {"src/old.py": "value = pickle.load(stream)\nrest = 1\n", "src/new.py": "begin = 1\nmiddle = 2\n"})
    guarded.git("checkout", "--quiet", "-B", "feature")
    moved = {"src/old.py": "rest = 1\n", "src/new.py": "begin = 1\nvalue = pickle.load(stream)\nmiddle = 2\n"}
    guarded.commit("Move", moved)
    assert "guard" not in rules(checked(guarded, code=0))
    guarded.commit("Once more", {"src/third.py": "value = pickle.load(stream)\n"})
    assert "guard" in rules(checked(guarded, code=1))


def test_a_supersession_on_somebodys_branch_retires_nothing_yet(guarded: Repo) -> None:
    identity = json.loads(guarded.cg("why", "main", "--json").stdout)["trace"]["decisions"][0]["id"]
    guarded.git("checkout", "--quiet", "-b", "theirs", "main")
    guarded.commit(f"Their idea\n\nDecision: pickle after all\nSupersedes: {identity}", {"src/x.py": "x = 1\n"})
    guarded.git("checkout", "--quiet", "feature")
    guarded.commit("Faster", {"src/fast.py": "value = pickle.load(stream)\n"})
    assert rules(checked(guarded, code=1), "error") == ["guard"]


def test_superseded_and_expired_guards_are_silent(guarded: Repo) -> None:
    identity = json.loads(guarded.cg("why", "main", "--json").stdout)["trace"]["decisions"][0]["id"]
    files = {"src/fast.py": "value = pickle.load(stream)\n"}
    guarded.commit(f"Pickle after all\n\nDecision: pickle for cache entries\nSupersedes: {identity}", files)
    assert rules(checked(guarded, code=0), "error") == []


def test_pathological_guard_is_linear(repo: Repo) -> None:
    repo.commit("Guard\n\nDecision: no\nGuard: **: (a+)+$", {"a.py": "x\n"})
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("Many", {"b.py": "a" * 3000 + "!\n"})
    assert rules(checked(repo, code=0), "error") == []


def test_exact_return_of_a_revert_fails(reverted: Repo) -> None:
    sha = reverted.commit("Make calls more robust", {"src/retry.py": RETRY})
    (found,) = checked(reverted, code=1)["findings"]
    assert (found["rule"], found["level"], found["commit"]) == ("reintroduced", "error", sha)
    assert found["precedent"]["status"] == "reverted" and found["precedent"]["commit"] == reverted.sha("main~1")


def test_citing_the_revert_is_compliance(reverted: Repo) -> None:
    by = reverted.sha("main")
    reverted.commit(f"Make calls more robust\n\nThe reason of {by[:10]} is gone.", {"src/retry.py": RETRY})
    assert checked(reverted, code=0)["findings"] == []


def test_reapply_is_compliance(reverted: Repo) -> None:
    reverted.git("revert", "--no-edit", "main")
    assert rules(checked(reverted, code=0), "error") == []


def test_a_pick_of_the_reverted_change_fails(reverted: Repo) -> None:
    reverted.git("cherry-pick", "-x", "main~1")
    assert rules(checked(reverted, code=1)) == ["reintroduced"]


def test_return_over_several_commits(reverted: Repo) -> None:
    lines = RETRY.splitlines(keepends=True)
    reverted.commit("Begin", {"src/retry.py": "".join(lines[:3])})
    reverted.commit("Go on", {"src/retry.py": RETRY})
    assert rules(checked(reverted, code=1), "error") == ["reintroduced"]


def test_half_of_it_warns(reverted: Repo) -> None:
    reverted.commit("Robust", {"src/retry.py": RETRY.replace("backoff(attempt)", "time.sleep(2 ** attempt)"), "src/more.py": "x = 1\n"})
    answer = checked(reverted, code=0)
    assert rules(answer) == ["returning"] and answer["findings"][0]["level"] == "warning"


def test_undone_again_in_the_range_is_nothing(reverted: Repo) -> None:
    reverted.commit("Robust", {"src/retry.py": RETRY})
    reverted.git("rm", "--quiet", "src/retry.py")
    reverted.commit("Not now", {"src/x.py": "x = 1\n"})
    assert rules(checked(reverted, code=0), "error") == []


def test_a_silent_toggle_warns(repo: Repo) -> None:
    repo.commit("Base", {"ci.yml": "run: tox\n"})
    repo.commit("Allow failures", {"ci.yml": "run: tox\nallow: py35\n"})
    repo.commit("Stricter", {"ci.yml": "run: tox\n"})
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("More room", {"ci.yml": "run: tox\nallow: py35\n"})
    assert rules(checked(repo, code=0), "warning") == ["reintroduced"]


def test_finding_is_accepted_by_trailer_and_by_event(guarded: Repo) -> None:
    guarded.commit("Faster", {"src/fast.py": "value = pickle.load(stream)\n"})
    found = checked(guarded, code=1)["findings"][0]["id"]
    guarded.cg("ack", found, "--because", "only in tests", "--until", "2100-01-01")
    answer = checked(guarded, code=0)
    assert rules(answer, "error") == [] and [each["finding"]["id"] for each in answer["accepted"]] == [found]
    assert answer["accepted"][0]["because"] == "only in tests"


def test_ack_trailer_of_the_range(guarded: Repo) -> None:
    guarded.commit("Faster", {"src/fast.py": "value = pickle.load(stream)\n"})
    found = checked(guarded, code=1)["findings"][0]["id"]
    guarded.git("commit", "--quiet", "--amend", "-m", f"Faster\n\nAck: {found} | only our own files are read")
    assert checked(guarded, code=0)["accepted"][0]["because"] == "only our own files are read"


def test_expired_ack_does_not_count(guarded: Repo) -> None:
    guarded.commit("Faster", {"src/fast.py": "value = pickle.load(stream)\n"})
    found = checked(guarded, code=1)["findings"][0]["id"]
    guarded.cg("ack", found, "--because", "for a while", "--until", "2026-01-02")
    assert rules(checked(guarded, code=1), "error") == ["guard"]


def test_ids_survive_a_rebase(guarded: Repo) -> None:
    guarded.commit("Before", {"src/other.py": "x = 1\n"})
    guarded.commit("Faster", {"src/fast.py": "value = pickle.load(stream)\n"})
    before = [each["id"] for each in checked(guarded)["findings"]]
    guarded.git("checkout", "--quiet", "main")
    guarded.commit("Main goes on", {"README.md": "hello\n"})
    guarded.git("rebase", "--quiet", "main", "feature")
    assert [each["id"] for each in checked(guarded)["findings"]] == before


def test_rejected_alternative_warns(guarded: Repo) -> None:
    guarded.commit("Faster", {"src/fast.py": "import pickle\n\n\ndef dump(value):\n    return pickle.dumps(value)\n"})
    answer = checked(guarded, code=0)
    (found,) = [each for each in answer["findings"] if each["level"] == "warning"]
    assert (found["rule"], found["words"]) == ("rejected", ["pickle"])


def test_citing_the_decision_is_compliance(guarded: Repo) -> None:
    identity = json.loads(guarded.cg("why", "main", "--json").stdout)["trace"]["decisions"][0]["id"]
    guarded.commit(f"Faster\n\nWithin {identity}: these are our own files.", {"src/fast.py": "import pickle\n\nx = pickle.dumps(1)\n"})
    assert rules(checked(guarded, code=0), "warning") == []


def test_irreversible_lines_that_go_warn(repo: Repo) -> None:
    repo.commit(
        "Ids\n\nDecision: ids are 64 bits\nReversible: no",
        {"src/ids.py": "WIDTH = 64\n\n\ndef new_identity():\n    return random_bits(WIDTH)\n"},
    )
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("Simplify", {"src/ids.py": "WIDTH = 64\n\n\ndef new_identity():\n    return 1\n"})
    assert rules(checked(repo, code=0), "warning") == ["removed"]


def test_contradiction_and_chain(repo: Repo) -> None:
    repo.commit(
        "Queue\n\nContext: how are jobs queued?\nDecision: Redis streams\nRejected: Kafka | nobody runs it here", {"src/q.py": "x = 1\n"}
    )
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("Other\n\nContext: How are jobs queued?\nDecision: Kafka topics", {"src/z.py": "x = 2\n"})
    assert "contradiction" in rules(checked(repo, code=0), "warning")
    repo.commit("Chain\n\nDecision: x\nSupersedes: cg-000000000000", {"src/y.py": "x = 3\n"})
    assert "chain" in rules(checked(repo, code=0), "warning")


def test_required_decision(repo: Repo) -> None:
    repo.commit("Policy", {".contextgraph.toml": '[check]\nrequire = ["src/auth/**"]\n'})
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("Login", {"src/auth/login.py": "x = 1\n"})
    assert rules(checked(repo, code=1)) == ["undecided"]
    repo.git("commit", "--quiet", "--amend", "-m", "Login\n\nDecision: sessions, no tokens")
    assert rules(checked(repo, code=0), "error") == []


def test_a_range_cannot_loosen_what_holds_it(repo: Repo) -> None:
    repo.commit("Policy", {".contextgraph.toml": '[check]\nrequire = ["src/auth/**"]\n'})
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("Login", {"src/auth/login.py": "x = 1\n", ".contextgraph.toml": '[check]\nundecided = "off"\n'})
    assert rules(checked(repo, code=1)) == ["undecided"]


@pytest.mark.parametrize("line", ['guard = "off"', 'paths = ["src/**: guard=off"]'])
def test_levels_by_rule_and_path(guarded: Repo, line: str) -> None:
    guarded.git("checkout", "--quiet", "main")
    guarded.commit("Policy", {".contextgraph.toml": f"[check]\n{line}\nrejected = 'off'\n"})
    guarded.git("checkout", "--quiet", "-B", "feature")
    guarded.commit("Faster", {"src/fast.py": "value = pickle.load(stream)\n"})
    assert checked(guarded, code=0)["counts"] == {"error": 0, "warning": 0, "note": 0}


def test_policy_guard_fails(repo: Repo) -> None:
    (repo.path / ".contextgraph.toml").write_text("[check]\nguards = ['src/**: \\beval\\(']\n")
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("Compute", {"src/b.py": "y = eval('1')\n"})
    assert rules(checked(repo, code=1)) == ["guard"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('gaurd = "off"', "did you mean `check.guard`"),
        ('guard = "fatal"', "one of error, warning, note, off"),
        ('paths = ["tests/**: guards=off"]', "did you mean `guard`"),
        ('guards = ["eval"]', "is no guard"),
    ],
)
def test_unknown_settings_are_errors(repo: Repo, line: str, words: str) -> None:
    (repo.path / ".contextgraph.toml").write_text(f"[check]\n{line}\n")
    done = repo.cg("check", code=2)
    assert words in done.stderr


def test_touched_and_expired_are_notes(repo: Repo) -> None:
    repo.commit("Limit\n\nDecision: token bucket", {"src/limit.py": "x = 1\n"})
    repo.commit("Cache\n\nDecision: cache for a day\nExpires: 2026-01-02", {"src/cache.py": "x = 1\n"})
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("Edit", {"src/limit.py": "x = 2\n", "src/cache.py": "x = 2\n"})
    answer = checked(repo, code=0)
    assert sorted(rules(answer, "note")) == ["expired", "touched"] and answer["counts"]["note"] == 2


def test_a_decision_of_another_branch_binds_nobody(guarded: Repo) -> None:
    guarded.commit("Other\n\nDecision: no yaml\nGuard: **: yaml", {"src/y.py": "x = 1\n"})
    guarded.git("checkout", "--quiet", "-b", "third", "main")
    guarded.commit("Yaml", {"src/z.py": "import yaml\n"})
    assert rules(checked(guarded, code=0), "error") == []


def clone(repo: Repo, *arguments: str) -> Repo:
    target = Path(str(repo.path) + "-clone")
    repo.git("clone", "--quiet", *arguments, f"file://{repo.path}", str(target))
    return Repo(target)


def test_depth_one_clone_is_blind(guarded: Repo) -> None:
    guarded.commit("Faster", {"src/fast.py": "value = pickle.load(stream)\n"})
    shallow = clone(guarded, "--depth", "1", "--branch", "feature")
    done = shallow.cg("check", "--json", code=3)
    answer = json.loads(done.stdout)
    assert not answer["complete"] and any("fetch-depth: 0" in each for each in answer["reasons"])


def test_fetch_cures_a_depth_one_clone(guarded: Repo) -> None:
    guarded.cg("decide", "Notes travel", "--commit", "main")
    guarded.commit("Faster", {"src/fast.py": "value = pickle.load(stream)\n"})
    guarded.git("checkout", "--quiet", "main")
    shallow = clone(guarded, "--depth", "1", "--branch", "feature")
    assert checked(shallow, code=3)["findings"] == []
    answer = checked(shallow, "--fetch", code=1)
    assert answer["complete"] and rules(answer, "error") == ["guard"], answer["reasons"]


def test_notes_never_fetched_is_exit_3(guarded: Repo) -> None:
    other = clone(guarded)
    other.git("checkout", "--quiet", "-b", "work", "origin/main")
    other.commit("Plain", {"src/a.py": "x = 1\n"})
    answer = checked(other, code=3)
    assert any("never fetched" in each for each in answer["reasons"])
    other.commit("Faster", {"src/fast.py": "value = pickle.load(stream)\n"})
    assert checked(other, code=1)["reasons"]
    other.git("reset", "--quiet", "--hard", "HEAD~1")
    assert checked(other, "--fetch", code=0)["complete"]


def test_neither_a_refspec_nor_notes_of_its_own_are_those_of_the_remote(guarded: Repo) -> None:
    other = clone(guarded)
    other.git("checkout", "--quiet", "-b", "work", "origin/main")
    other.commit("Plain", {"src/a.py": "x = 1\n"})
    other.cg("init", "--no-model")  # configures the refspec
    assert any("never fetched" in each and "cg check --fetch" in each for each in checked(other, code=3)["reasons"])
    other.cg("decide", "ours", "--commit", "HEAD")
    answer = checked(other, code=3)
    assert not answer["complete"] and any("never fetched" in each for each in answer["reasons"])
    other.git("fetch", "--quiet")
    assert checked(other, code=0)["complete"], "it was asked, and has none"


def test_notes_fetched_straight_into_their_ref_were_asked_for(guarded: Repo) -> None:
    guarded.cg("decide", "Notes travel", "--commit", "main")
    other = clone(guarded)
    other.git("checkout", "--quiet", "-b", "work", "origin/main")
    other.commit("Plain", {"src/a.py": "x = 1\n"})
    other.git("fetch", "--quiet", "origin", "refs/notes/*:refs/notes/*")
    assert checked(other, code=0)["complete"]


def test_unreadable_records_are_exit_3(graphed: Repo) -> None:
    graphed.git("checkout", "--quiet", "-b", "feature")
    graphed.commit("One", {"a.py": "x = 1\n"})
    graphed.git("notes", "--ref", "contextgraph", "append", "-m", "a stray line", "main")
    answer = checked(graphed, code=3)
    assert any("could not be read" in each for each in answer["reasons"])


def test_partial_clone_without_the_blobs(guarded: Repo) -> None:
    guarded.git("config", "uploadpack.allowFilter", "true")
    guarded.commit("Faster", {"src/fast.py": "value = pickle.load(stream)\n"})
    partial = clone(guarded, "--filter=blob:none", "--no-checkout", "--branch", "feature")
    guarded.path.rename(guarded.path.with_name("gone"))
    answer = checked(partial, "origin/main..HEAD", code=3)
    assert any("promised" in each for each in answer["reasons"])


def test_unknown_range_is_an_error(repo: Repo) -> None:
    assert "no range of commits" in repo.cg("check", "nothing..HEAD", code=2).stderr
    assert "--format takes" in repo.cg("check", "--format", "xml", code=2).stderr


def test_partial_clone_that_cannot_read_old_reverts(repo: Repo) -> None:
    """The revert is not exact to the byte, so its files must be read to judge it; they are only promised."""
    sha = repo.commit("Add retries", {"src/retry.py": RETRY})
    repo.commit("More", {"src/retry.py": f"{RETRY}\n\nMORE = 1\n"})
    repo.commit(f'Revert "Add retries"\n\nThis reverts commit {sha}.', {"src/retry.py": "MORE = 1\n"})
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("Other", {"src/x.py": "x = 1\n"})
    partial = clone(repo, "--filter=blob:none", "--branch", "feature")
    repo.path.rename(repo.path.with_name("gone"))
    answer = checked(partial, "origin/main..HEAD", code=3)
    assert any("older changes are promised" in each for each in answer["reasons"])


def test_a_rejected_name_that_the_code_has_already_is_no_news(repo: Repo) -> None:
    """It is written with an underscore, which the words that are compared have lost."""
    repo.commit("Old", {"src/old.py": "from warnings import catch_warnings\n\n\ndef quiet():\n    return catch_warnings()\n"})
    repo.commit("Log\n\nDecision: Log what goes wrong\nRejected: catch_warnings | it hides them", {"src/log.py": "x = 1\n"})
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("More", {"src/log.py": "x = 1\n\n\ndef load():\n    with catch_warnings():\n        return parse()\n"})
    assert rules(checked(repo, code=0), "warning") == []


def touched(repo: Repo) -> list[tuple[str, str]]:
    """(file, title of the decision) of each note, as they are shown."""
    return [(each["path"], each["precedent"]["title"]) for each in checked(repo, code=0)["findings"] if each["rule"] == "touched"]


def test_what_is_merely_touched_is_told_of_briefly(repo: Repo) -> None:
    """Two decisions a file, the weighty one first; nothing of documents, lock files and tests beside the code."""
    files = {"src/a.py": "a = 1\n", "README.md": "# a\n", "package-lock.json": "{}\n", "tests/test_a.py": "x = 1\n"}
    repo.commit("One\n\nDecision: First\nRisk: high", files)
    for number, name in enumerate(("Second", "Third", "Fourth")):
        repo.commit(f"{name}\n\nDecision: {name}", {"src/a.py": f"a = {number + 2}\n"})
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("Write", {"README.md": "# b\n", "package-lock.json": "[]\n", "tests/test_a.py": "x = 2\n"})
    assert touched(repo) == []
    repo.commit("Work", {"src/a.py": "a = 9\n"})
    assert touched(repo) == [("src/a.py", "First"), ("src/a.py", "Fourth")]


def test_a_decision_about_a_file_that_changed_often_since_is_stale(repo: Repo) -> None:
    repo.commit("One\n\nDecision: Plain", {"src/a.py": "a = 0\n", "src/b.py": "b = 0\n"}, GIT_COMMITTER_DATE="2020-01-01T00:00:00Z")
    repo.commit("Two\n\nDecision: Bound\nConstraint: below 100", {"src/a.py": "a = 1\n"}, GIT_COMMITTER_DATE="2020-01-01T00:00:00Z")
    for number in range(31):
        repo.commit("Change", {"src/a.py": f"a = {number + 2}\n"})
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("Work", {"src/a.py": "a = 99\n"})
    assert touched(repo) == [("src/a.py", "Bound")]


def test_a_file_that_a_program_wrote_is_not_looked_at(guarded: Repo) -> None:
    guarded.commit("Generate", {"src/made.py": "# Code generated by maker. DO NOT EDIT.\nvalue = pickle.load(stream)\n"})
    assert rules(checked(guarded, code=0)) == []


def test_a_few_lines_that_a_reverted_change_repeated_are_no_return_of_it(repo: Repo) -> None:
    """As cargo's own history has it: the same two lines of settings, in every test that was changed, and later in a guide."""
    settings = "[profile.dev]\ndebug = false\n"
    repo.commit("Quiet builds", {"tests/one.rs": settings, "tests/two.rs": settings, "tests/three.rs": "let expected = finished(dev);\n"})
    repo.git("revert", "--no-edit", "HEAD")
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("Guide", {"docs/guide.md": f"# Faster builds\n\n{settings}"})
    assert rules(checked(repo, code=0), "warning") == []
    repo.commit("Sample", {"samples/build.rs": settings})
    assert rules(checked(repo, code=0), "warning") == []


def test_a_title_that_says_again_is_no_secret_return(reverted: Repo) -> None:
    """A warning would tell the author what the title says already; the exact return is an error all the same (above)."""
    lines = RETRY.replace("backoff(attempt)", "time.sleep(2 ** attempt)")
    reverted.commit("Re-add retries to calls", {"src/retry.py": lines})
    assert rules(checked(reverted, code=0)) == []
    reverted.git("commit", "--quiet", "--amend", "-m", "Add retries to every call, take 3")
    assert rules(checked(reverted, code=0)) == []
    reverted.git("commit", "--quiet", "--amend", "-m", "Make calls robust")
    assert rules(checked(reverted, code=0)) == ["returning"]


def test_a_link_alone_is_no_decision_to_tell_of(repo: Repo) -> None:
    repo.commit("Work\n\nContext: https://example.com/issues/1", {"src/a.py": "a = 1\n"})
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("More", {"src/a.py": "a = 2\n"})
    assert touched(repo) == []


@pytest.mark.parametrize("by", ["amend", "rebase"])
def test_what_was_amended_away_binds_nobody(repo: Repo, by: str) -> None:
    """The old commit has landed as what it was made into, which speaks for itself."""
    repo.cg("init")
    repo.commit("base", {"other.py": "other = 1\n"})
    repo.commit("b\n\nDecision: flat\nBecause: one line\nGuard: *.py: eval\\(", {"b.py": "b = 1\n"})
    if by == "amend":
        repo.git("commit", "--quiet", "--amend", "-m", "b only")
    else:
        repo.git("rebase", "--quiet", "-i", "HEAD~1", GIT_SEQUENCE_EDITOR="sed -i 1s/pick/reword/", GIT_EDITOR="printf 'b only' >")
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("more", {"b.py": "b = eval('1')\n"})
    answer = checked(repo, code=0)
    assert (answer["commits"], answer["findings"]) == (1, [])
