"""`cg why PATH` and `PATH:LINE`: every kind of path, line and moment has a clear answer, in words and in JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Repo


@pytest.fixture
def files(graphed: Repo) -> Repo:
    graphed.commit("the limit\n\nDecision: a sliding window", {"limit.py": "def limit():\n    window = 60\n    return window\n"})
    (graphed.path / "link.py").symlink_to("limit.py")
    (graphed.path / "linked").symlink_to("src")
    (graphed.path / "bin").write_bytes(b"\x89PNG\r\n\0\0\n")
    graphed.commit(
        "more", {"src/one.py": "one\n", "empty": "", "old.py": "gone\n", "moved.py": "a line that moves\nand another\n", "a[1].py": "x\n"}
    )
    return graphed


def asked(repo: Repo, *words: str, code: int | None = 1) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(repo.cg("why", "--json", *words, code=code).stdout)
    return answer


def titles(answer: dict[str, Any]) -> list[str]:
    return [each["summary"] for each in [answer["trace"], *answer["traces"]] if each]


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("limit.py:4", "limit.py has 3 lines; line 4 is past the end"),
        ("src/one.py:2", "src/one.py has 1 line; line 2 is past the end"),
        ("empty:1", "empty is empty; line 1 is past the end"),
        ("limit.py:0", "lines count from 1"),
        ("limit.py:4:7", "limit.py has 3 lines; line 4 is past the end"),
        ("limit.py:3-2", "3-2 is no range of lines"),
        ("bin:1", "bin is a binary file and has no lines"),  # no NUL in its first line
        ("bin:9", "bin is a binary file and has no lines"),
        ("src:1", "src is a directory and has no lines"),
        ("link.py:1", "link.py is a symbolic link and has no lines"),
        pytest.param("x/" * 3000 + "y:1", f"`{'x/' * 3000}y:1` is neither a revision nor a path in this repository", id="deep"),
        ("nowhere.py:1", "`nowhere.py:1` is neither a revision nor a path in this repository"),
    ],
)
def test_what_has_no_such_line(files: Repo, target: str, sentence: str) -> None:
    assert files.cg("why", target, code=2).stderr.startswith(f"error: {sentence}\n")


def test_a_column_after_the_line(files: Repo) -> None:
    plain, column = (asked(files, target, code=0) for target in ("limit.py:2", "limit.py:2:9"))
    assert column == plain | {"target": "limit.py:2:9"} and column["line"] == 2
    files.commit("odd", {"odd:2": "one\n", "odd": "two\n"})
    assert asked(files, "odd:2:1")["line"] == 1, "the longest name that is there is meant"


def test_what_is_not_committed(files: Repo) -> None:
    (files.path / "limit.py").write_text("def limit():\n    window = 60\n    return window\n\n# new\n")
    (files.path / "new.py").write_text("new\n")
    only = asked(files, "limit.py:5")
    assert (only["uncommitted"], only["remark"]) == (True, "Line 5 is not committed yet: nobody can say why but you.")
    assert asked(files, "limit.py:4-5")["remark"] == "Lines 4 to 5 are not committed yet: nobody can say why but you."
    some = asked(files, "limit.py:3-5", code=0)
    assert (some["uncommitted"], some["remark"], titles(some)) == (True, "Some of these lines are not committed yet.", ["the limit"])
    assert asked(files, "new.py:1")["remark"].startswith("new.py is not tracked by git, and not committed yet")
    files.git("add", "new.py")
    for target in ("new.py", "new.py:1"):
        found = asked(files, target)
        assert found["uncommitted"] and "not committed yet" in found["remark"]
    (files.path / "new.py").unlink()
    assert asked(files, "new.py")["uncommitted"]


def test_before_the_first_commit(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    repo.run("git", "init", "--quiet")
    assert "there is no commit yet" in repo.cg("why", "HEAD", code=2).stderr + repo.cg("why", "x:1", code=2).stderr
    (repo.path / "x").write_text("x\n")
    repo.run("git", "add", "x")
    assert asked(repo, "x")["uncommitted"] and asked(repo, "x:1")["uncommitted"] and asked(repo, ".")["uncommitted"]


def test_what_is_gone_from_the_work_tree_alone(files: Repo) -> None:
    (files.path / "limit.py").unlink()
    assert titles(asked(files, "limit.py:2", code=0)) == ["the limit"]
    files.git("rm", "--quiet", "--cached", "limit.py")
    assert titles(asked(files, "limit.py:2", code=0)) == titles(asked(files, "limit.py", code=0)) == ["the limit"]
    files.git("reset", "--quiet", "--hard")
    files.git("sparse-checkout", "set", "src")
    assert titles(asked(files, "limit.py:2", code=0)) == ["the limit"]


def test_what_was_deleted_or_renamed(files: Repo) -> None:
    files.git("rm", "--quiet", "old.py")
    gone = files.commit("clean up")
    for target in ("old.py", "old.py:1", "old.py:99"):
        found = asked(files, target)
        assert found["remark"] == f"old.py is not there any more: {gone[:10]} deleted it." and titles(found) == ["clean up", "more"]
    files.git("mv", "moved.py", "src/there.py")
    moved = files.commit("move")
    assert asked(files, "moved.py:1")["remark"] == f"moved.py is not there any more: {moved[:10]} renamed it to src/there.py."
    assert titles(asked(files, "src/there.py:1")) == ["more"]


def test_what_only_another_branch_has(files: Repo) -> None:
    files.git("checkout", "--quiet", "-b", "topic")
    sha = files.commit("on the topic", {"topic.py": "x\n"})
    files.git("checkout", "--quiet", "main")
    for target in ("topic.py", "topic.py:1"):
        found = asked(files, target)
        assert sha[:10] in found["remark"] and titles(found) == ["on the topic"]


def test_behind_links_and_in_submodules(files: Repo, tmp_path: Path) -> None:
    assert titles(asked(files, "linked/one.py:1")) == ["more"]
    assert "linked is a symbolic link" in files.cg("why", "linked/none.py", code=2).stderr
    assert titles(asked(files, f"../{files.path.name}/limit.py:1", code=0)) == ["the limit"]
    other = tmp_path / "other"
    files.run("git", "init", "--quiet", str(other))
    files.run("git", "-C", str(other), "commit", "--quiet", "--allow-empty", "-m", "x")
    files.git("submodule", "--quiet", "add", str(other), "mod")
    files.commit("a module", {"mod/file": "untracked in there\n"})
    for target in ("mod/file", "mod/file:1", "mod:1"):
        assert "mod is a submodule" in files.cg("why", target, code=2).stderr


def test_a_name_with_the_signs_of_a_pattern(files: Repo) -> None:
    files.commit("its like", {"a1.py": "y\n"})
    assert titles(asked(files, "a[1].py")) == ["more"]


def test_a_bare_repository(files: Repo, tmp_path: Path) -> None:
    files.run("git", "clone", "--quiet", "--bare", str(files.path), str(tmp_path / "bare"))
    bare = Repo(tmp_path / "bare")
    assert titles(asked(bare, "limit.py:2", code=0)) == titles(asked(bare, "limit.py:1-2", code=0)) == ["the limit"]
    assert "binary" in bare.cg("why", "bin:1", code=2).stderr and "directory" in bare.cg("why", "src:1", code=2).stderr


def test_a_path_at_a_moment(files: Repo) -> None:
    files.git("tag", "then")
    changed = files.commit("a comment above", {"limit.py": "# a comment\ndef limit():\n    window = 30\n    return window\n"})
    (files.path / "limit.py").write_text("not committed\n")
    assert titles(asked(files, "limit.py", "--as-of", "then", code=0)) == ["the limit"]
    assert titles(asked(files, "limit.py:2", "--as-of", "then", code=0)) == ["the limit"]
    assert "past the end" in files.cg("why", "limit.py:4", "--as-of", "then", code=2).stderr
    assert asked(files, "limit.py:3", "--as-of", changed, code=0)["lineage"][0]["trace"]["summary"] == "a comment above"
    assert titles(asked(files, "limit.py:4", "--as-of", "2099-01-01", code=0)) == ["the limit"]  # what is committed
    assert titles(asked(files, "limit.py", "--as-of", "2026-01-01T00:04:00Z", code=0)) == ["the limit"]


def test_before_it_was_there(files: Repo) -> None:
    for moment in ("HEAD~2", "2025-01-01"):
        for target in ("limit.py", "limit.py:1", "HEAD~1"):
            found = asked(files, target, "--as-of", moment)
            assert titles(found) == [] and found["remark"], (target, moment)
            assert found["remark"] in files.cg("why", target, "--as-of", moment, code=1).stdout
    identity = asked(files, "HEAD~1", code=0)["trace"]["decisions"][0]["id"]
    assert "was recorded on 2026-01-01" in asked(files, identity, "--as-of", "2025-01-01")["remark"]
    assert "neither a revision nor a path" in files.cg("why", "nowhere.py", "--as-of", "HEAD~2", code=2).stderr


def test_commits_that_blame_ignores(graphed: Repo) -> None:
    graphed.commit("introduce", {"f.py": "def f(a,b):\n  total = accumulate(a,b)\n"})
    sha = graphed.commit("format", {"f.py": "def f(a, b):\n    total = accumulate(a, b)\n"})
    file = graphed.path / ".git-blame-ignore-revs"

    def life() -> tuple[list[str], list[str]]:
        answer = asked(graphed, "f.py:2")
        return [*titles(answer), *(each["trace"]["summary"] for each in answer["lineage"])], answer["reasons"]

    assert life() == (["introduce", "format"], [])
    unknown = "0123456789" * 4
    for content in (f"# ours\r\n{sha} # why\r\n\r\n", f"\ufeff{sha.upper()}\n", f"{unknown}\n{sha}\n"):
        file.write_text(content, encoding="utf-8")
        assert life() == (["introduce"], []), content
    file.write_text(f"{sha[:12]}\n{sha}\n")
    assert life() == (["introduce"], [f".git-blame-ignore-revs, line 1: `{sha[:12]}` is not a full sha and was left out"])
    file.unlink()
    graphed.git("config", "blame.ignoreRevsFile", "absent")
    found, reasons = life()
    assert found == ["introduce", "format"] and "absent" in reasons[0]
    (graphed.path / "absent").write_text(f"{sha}\n")
    assert life() == (["introduce"], [])
    graphed.git("config", "--add", "blame.ignoreRevsFile", "")  # takes back what was named before
    assert life() == (["introduce", "format"], [])


def test_what_a_revision_reaches_was_there_whatever_the_clocks_say(graphed: Repo) -> None:
    first = graphed.commit("by a fast clock\n\nDecision: so", {"f.py": "x\n"})
    graphed.git("tag", "v1", graphed.commit("by a slow one", GIT_COMMITTER_DATE="1700000000 +0000"))
    graphed.commit("later")
    found = asked(graphed, first, "--as-of", "v1", code=0)["trace"]
    assert (found["status"], len(found["decisions"])) == ("landed", 1)
    for words in (["log"], ["log", "--status", "landed"], ["search", "clock decision"]):
        shown = graphed.cg(*words, "--as-of", "v1").stdout
        assert "by a fast clock" in shown and "later" not in shown
    assert "by a fast clock" not in graphed.cg("log", "--status", "pending", "--as-of", "v1", code=1).stdout


def test_what_a_merge_itself_brought(graphed: Repo, tmp_path: Path) -> None:
    other = tmp_path / "other"
    graphed.run("git", "init", "--quiet", str(other))
    (other / "s.py").write_text("s\n")
    graphed.run("git", "-C", str(other), "add", ".")
    graphed.run("git", "-C", str(other), "commit", "--quiet", "-m", "theirs")
    graphed.git("fetch", "--quiet", str(other), "HEAD")
    graphed.git("merge", "--quiet", "-s", "ours", "--no-commit", "--allow-unrelated-histories", "FETCH_HEAD")
    graphed.git("read-tree", "--prefix=lib/", "-u", "FETCH_HEAD")
    graphed.git("commit", "--quiet", "-m", "add a subtree")
    assert titles(asked(graphed, "lib/s.py")) == ["add a subtree"]
    assert titles(asked(graphed, "lib/s.py:1")) == ["theirs"]


def test_a_line_that_was_reverted_and_came_back(files: Repo) -> None:
    first = files.commit("slow down\n\nDecision: wait", {"limit.py": "def limit():\n    wait()\n    window = 60\n    return window\n"})
    files.commit("above", {"limit.py": "# above\n" + (files.path / "limit.py").read_text()})
    files.git("revert", "--no-edit", first)
    files.git("revert", "--no-edit", "HEAD")
    found = asked(files, "limit.py:3", code=0)
    assert (found["commit"], [each["how"] for each in found["lineage"]]) == (first, ["brought it back"])
    files.git("revert", "--no-edit", "HEAD")
    files.git("revert", "--no-edit", "HEAD")
    found = asked(files, "limit.py:3", code=0)
    assert (found["commit"], [each["how"] for each in found["lineage"]]) == (first, ["brought it back"] * 2)


def test_nothing_comes_later_than_what_it_follows(graphed: Repo) -> None:
    """To `git blame -w` a blank line is like any other."""
    old = "    if r:\n        h = 1\n    else:\n        h = (\n            2\n        )\n    raise E(\n        h\n        x\n    )\n\n\n"
    new = "\n    if r:\n        m = 1\n    else:\n        m = (\n            3\n        )\n\n    raise E(m)\n\n\n"
    graphed.commit("one", {"f.py": f"def f():\n    return\n{old}def g():\n    pass\n"})
    graphed.commit("two", {"f.py": f"def f():\n    return\n{new}def g():\n    pass\n"})
    order = graphed.git("rev-list", "--reverse", "HEAD").split()
    for number in range(1, 15):
        found = asked(graphed, f"f.py:{number}")
        shas = [found["commit"], *(each["commit"] for each in found["lineage"])]
        assert shas == sorted(shas, key=order.index), number
