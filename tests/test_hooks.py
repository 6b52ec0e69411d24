"""The hooks, fired by real git: what they leave behind, what they never do, and what they pass on."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contextgraph.install import HOOKS
from tests.conftest import CG, Repo


def until(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether it becomes true in that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return true()


def spool(repo: Repo) -> list[str]:
    path = repo.home / "spool"
    return path.read_text().splitlines() if path.exists() else []


def recorded(repo: Repo, revision: str = "HEAD") -> bool:
    """Whether cg, which catches up first, has a record of its own or a carried one on the commit."""
    return bool(trace(repo, revision)["recorded"])


def trace(repo: Repo, revision: str = "HEAD") -> dict[str, object]:
    answer = json.loads(repo.cg("why", repo.sha(revision), "--json", code=None).stdout)
    return dict(answer["trace"])


def choices(repo: Repo, revision: str = "HEAD") -> list[str]:
    decisions = trace(repo, revision)["decisions"]
    assert isinstance(decisions, list)
    return [each["options"][each["selected"]]["description"] for each in decisions]


# What each operation leaves in the spool.


def test_a_commit_leaves_one_line_and_no_word(graphed: Repo) -> None:
    done = graphed.run("git", "commit", "--allow-empty", "-qm", "x")
    assert (done.stdout, done.stderr) == ("", "")
    assert spool(graphed) == [f"commit {graphed.sha()} main refs/heads/main"]


def test_hooks_are_posix_shell(graphed: Repo) -> None:
    for name in HOOKS:
        text = graphed.hook(name).read_text()
        assert text.startswith("#!/bin/sh\n")
        assert "@" not in text.replace("$@", "").replace('"$@"', "")
        graphed.run("dash", "-n", str(graphed.hook(name)))


def test_amend_names_the_pair(graphed: Repo) -> None:
    old = graphed.commit("one")
    graphed.git("commit", "--amend", "-qm", "one, better")
    new = graphed.sha()
    assert spool(graphed)[1:] == [f"commit {new} main refs/heads/main", f"pair amend {old} {new}"]


def test_rebase_picks_leave_pairs_only(graphed: Repo) -> None:
    graphed.git("checkout", "-qb", "topic")
    old = [graphed.commit("a"), graphed.commit("b")]
    graphed.git("checkout", "-q", "main")
    graphed.commit("upstream")
    graphed.git("checkout", "-q", "topic")
    before = len(spool(graphed))
    for backend in ("merge", "apply"):
        graphed.git("-c", f"rebase.backend={backend}", "rebase", "-q", "main", "--force-rebase")
        new = [graphed.sha("HEAD~1"), graphed.sha()]
        assert [line for line in spool(graphed)[before:] if not line.startswith("merge")] == [
            f"pair rebase {o} {n}" for o, n in zip(old, new, strict=True)
        ], backend
        before, old = len(spool(graphed)), new
    assert recorded(graphed)
    assert recorded(graphed, "HEAD~1")


def test_fixup_carries_both_into_one(graphed: Repo) -> None:
    graphed.cg("decide", "first choice")
    one = graphed.commit("one", {"f": "1\n"})
    graphed.cg("decide", "second choice")
    two = graphed.commit("fixup! one", {"f": "2\n"})
    graphed.git("rebase", "-q", "-i", "--autosquash", "HEAD~2")
    new = graphed.sha()
    assert {f"pair rebase {one} {new}", f"pair rebase {two} {new}"} <= set(spool(graphed))
    assert sorted(choices(graphed)) == ["first choice", "second choice"]


def test_merges_pulls_and_fast_forwards(graphed: Repo, tmp_path: Path) -> None:
    graphed.git("checkout", "-qb", "topic")
    graphed.commit("on topic")
    graphed.git("checkout", "-q", "main")
    graphed.git("merge", "-q", "--ff-only", "topic")
    assert spool(graphed)[-1] == "merge"
    graphed.git("checkout", "-q", "topic")
    graphed.commit("more")
    graphed.git("checkout", "-q", "main")
    graphed.commit("aside")
    graphed.git("merge", "-q", "--no-edit", "topic")
    assert spool(graphed)[-1] == "merge"
    assert recorded(graphed)  # the merge commit was made here; the reflog says so


def test_a_merge_finished_by_hand(graphed: Repo) -> None:
    graphed.commit("base", {"f": "base\n"})
    graphed.git("checkout", "-qb", "topic")
    graphed.commit("topic", {"f": "topic\n"})
    graphed.git("checkout", "-q", "main")
    graphed.commit("main", {"f": "main\n"})
    graphed.git("merge", "topic", check=False)
    graphed.commit("merged by hand", {"f": "both\n"})
    assert spool(graphed)[-1] == f"commit {graphed.sha()} main refs/heads/main"


def test_cherry_pick_revert_and_am(graphed: Repo) -> None:
    graphed.git("checkout", "-qb", "topic")
    picked = graphed.commit("pick me")
    patch = graphed.git("format-patch", "-1", "--stdout", picked)
    graphed.git("checkout", "-q", "main")
    graphed.git("cherry-pick", picked)
    assert spool(graphed)[-1] == f"commit {graphed.sha()} main refs/heads/main"
    graphed.git("revert", "--no-edit", "HEAD")
    assert spool(graphed)[-1] == f"commit {graphed.sha()} main refs/heads/main"
    graphed.git("am", "-q", stdin=patch + "\n")
    assert spool(graphed)[-1] == f"commit {graphed.sha()} main refs/heads/main"
    assert all(recorded(graphed, rev) for rev in ("HEAD", "HEAD~1", "HEAD~2"))


def test_stash_leaves_nothing(graphed: Repo) -> None:
    graphed.commit("f", {"f": "1"})
    lines = spool(graphed)
    graphed.cg("decide", "stays staged")
    (graphed.path / "f").write_text("2")
    graphed.git("stash", "-q")
    graphed.git("stash", "pop", "-q")
    assert len(spool(graphed)) <= len(lines)
    assert [each["options"][0]["description"] for each in json.loads(graphed.cg("decide", "--json").stdout)["staged"]] == ["stays staged"]


def test_detached_and_strange_branches(graphed: Repo) -> None:
    graphed.git("checkout", "-q", "--detach")
    graphed.commit("detached")
    assert spool(graphed)[-1] == f"commit {graphed.sha()} main "
    graphed.git("update-ref", "refs/heads/-x", "HEAD")
    graphed.git("symbolic-ref", "HEAD", "refs/heads/-x")
    graphed.commit("on -x")
    assert spool(graphed)[-1] == f"commit {graphed.sha()} main refs/heads/-x"
    assert trace(graphed)["branch"] == "-x"
    assert trace(graphed, "HEAD~1")["branch"] is None
    assert graphed.cg("log", "--branch=-x").stdout.count("\n") == 1
    assert graphed.cg("log", "main..refs/heads/-x").stdout.count("\n") == 2


@pytest.mark.parametrize("kind", ["worktree", "submodule", "separate git dir", "sha256", "GIT_DIR"])
def test_every_kind_of_repository(graphed: Repo, tmp_path: Path, kind: str) -> None:
    environment: dict[str, Any] = {}
    if kind == "worktree":
        graphed.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
        other, home = Repo(tmp_path / "linked"), graphed.home
    elif kind == "submodule":
        graphed.git("submodule", "--quiet", "add", str(graphed.path), "sub")
        other, home = Repo(graphed.path / "sub"), graphed.path / ".git" / "modules" / "sub" / "contextgraph"
    elif kind == "separate git dir":
        graphed.run("git", "init", "-q", f"--separate-git-dir={tmp_path / 'elsewhere'}", str(tmp_path / "work"))
        other, home = Repo(tmp_path / "work"), tmp_path / "elsewhere" / "contextgraph"
    elif kind == "sha256":
        graphed.run("git", "init", "-q", "--object-format=sha256", str(tmp_path / "long"))
        other, home = Repo(tmp_path / "long"), tmp_path / "long" / ".git" / "contextgraph"
    else:  # the way people keep their dot files
        graphed.run("git", "init", "-q", "--bare", str(tmp_path / "dots.git"))
        (tmp_path / "files").mkdir()
        environment = {"GIT_DIR": str(tmp_path / "dots.git"), "GIT_WORK_TREE": str(tmp_path / "files")}
        other, home = Repo(tmp_path / "files"), tmp_path / "dots.git" / "contextgraph"
    other.cg("init", "--no-model", **environment)
    other.git("commit", "-q", "--allow-empty", "-m", "here", CG_WORKER="", **environment)
    sha = other.run("git", "rev-parse", "HEAD", **environment).stdout.strip()

    def noted() -> bool:
        return "recorded" in other.run("git", "notes", "--ref=contextgraph", "show", sha, check=False, **environment).stdout

    assert until(noted), (home / "log").read_text() if (home / "log").exists() else list(home.iterdir())
    assert not (home / "waiting").exists()


# The worker.


def test_the_note_is_there_within_a_second_or_two(graphed: Repo) -> None:
    graphed.cg("decide", "by the worker", "--because", "nobody asks")
    started = time.monotonic()
    graphed.commit("x", CG_WORKER="")
    assert until(lambda: any("by the worker" in line for line in graphed.note()))
    assert time.monotonic() - started < 5, "a loaded machine may take a few; a second is what an idle one needs"
    assert until(lambda: not (graphed.home / "waiting").exists())
    assert not (graphed.home / "log").exists()


def test_a_slow_worker_holds_no_stream(graphed: Repo) -> None:
    started = time.monotonic()
    graphed.run("sh", "-c", "git commit -q --allow-empty -m x 2>&1 | cat", CG_WORKER="", CG_WORKER_DELAY="3")
    assert time.monotonic() - started < 2
    number = int((graphed.home / "waiting").read_text())
    os.kill(number, 15)


def test_one_waiting_worker_at_most(graphed: Repo) -> None:
    for _ in range(5):
        graphed.commit("x", CG_WORKER="", CG_WORKER_DELAY="3")
    number = (graphed.home / "waiting").read_text().strip()
    workers = [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and str(graphed.path) in _command(entry) and "contextgraph.worker" in _command(entry)
    ]
    assert workers == [number]
    os.kill(int(number), 9)
    assert until(lambda: not Path("/proc", number, "exe").exists())
    graphed.commit("after its death", CG_WORKER="")
    assert until(lambda: bool(graphed.note()))
    assert all(graphed.note(f"HEAD~{n}") for n in range(6))


def _command(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().decode()
    except OSError:  # it has ended
        return ""


def test_a_worker_that_never_came_is_forgotten_by_the_next_command(graphed: Repo) -> None:
    marker = graphed.home / "waiting"
    marker.write_text("0\n")
    graphed.commit("x", CG_WORKER="")
    assert spool(graphed), "the hook trusts a young marker"
    os.utime(marker, (time.time() - 30, time.time() - 30))
    graphed.cg("status")
    assert not marker.exists()
    marker.write_text("0\n")
    graphed.cg("status")
    assert marker.exists(), "its worker may be starting this very moment"


@pytest.mark.parametrize("content", ["999999999\n", "\n", "nonsense\n", "1\n"])
def test_no_marker_lasts(graphed: Repo, content: str) -> None:
    marker = graphed.home / "waiting"
    marker.write_text(content)
    os.utime(marker, (time.time() - 100, time.time() - 100))
    graphed.cg("status")
    assert not marker.exists()


def test_a_vanished_interpreter(graphed: Repo) -> None:
    hook = graphed.hook("post-commit")
    lines = ["cg_python=/gone/python" if line.startswith("cg_python=") else line for line in hook.read_text().splitlines()]
    hook.write_text("\n".join(lines) + "\n")
    done = graphed.run("git", "commit", "--allow-empty", "-qm", "x", CG_WORKER="")
    assert (done.stdout, done.stderr) == ("", "")
    assert spool(graphed)
    assert not (graphed.home / "waiting").exists()
    assert recorded(graphed)
    assert "interpreter is gone" in "".join(json.loads(graphed.cg("status", "--json").stdout)["problems"])


def test_a_worker_that_fails_says_so_in_the_log(graphed: Repo) -> None:
    graphed.git("config", "contextgraph.capture.when", "sometimes")
    graphed.commit("x", CG_WORKER="")
    assert until((graphed.home / "log").exists)
    assert "capture.when" in (graphed.home / "log").read_text()
    assert not (graphed.home / "waiting").exists()


def test_after_uninstall_a_late_worker_does_nothing(graphed: Repo) -> None:
    graphed.commit("x", CG_WORKER="", CG_WORKER_DELAY="1")
    graphed.cg("uninstall")
    time.sleep(1.8)
    assert not (graphed.home / "index.db").exists()


# Other people's hooks.

FOREIGN = """#!/bin/sh
printf '%s|' "$0" "$@" >>"$GIT_DIR_SEEN/foreign"
cat >>"$GIT_DIR_SEEN/foreign"
echo out; echo err >&2
exit 3
"""


def test_a_foreign_hook_keeps_arguments_input_output_and_exit_code(repo: Repo) -> None:
    hooks = repo.path / ".git" / "hooks"
    for name in HOOKS:
        (hooks / name).write_text(FOREIGN)
        (hooks / name).chmod(0o754)
    repo.cg("init", "--no-model")
    if repo.hook(HOOKS[0]).parent != hooks:
        pytest.skip("this git runs ours beside a foreign hook, which stays as it was")
    seen = repo.path / ".git" / "foreign"
    variables: dict[str, Any] = {"GIT_DIR_SEEN": str(repo.path / ".git"), "CG_WORKER": "off"}
    done = repo.run("git", "commit", "--allow-empty", "-qm", "one", **variables)
    assert "out" in done.stdout + done.stderr
    assert "err" in done.stderr
    old = repo.sha()
    seen.unlink()
    repo.run("git", "commit", "--amend", "--allow-empty", "-qm", "two", **variables)
    text = seen.read_text()
    assert f"post-rewrite.before-contextgraph|amend|{old} {repo.sha()}\n" in text
    hook = subprocess.run(
        [hooks / "post-rewrite", "rebase"],
        cwd=repo.path,
        env={**os.environ, **variables},
        input=b"a b extra\n",
        capture_output=True,
        check=False,
    )
    assert hook.returncode == 3
    assert seen.read_text().endswith("|rebase|a b extra\n")
    for name in ("post-commit", "post-merge", "post-applypatch"):
        code = subprocess.run(
            [hooks / name, "1"], cwd=repo.path, env={**os.environ, **variables}, input=b"", capture_output=True, check=False
        )
        assert code.returncode == 3
        assert code.stderr == b"err\n"


def test_a_foreign_hook_that_is_not_executable_is_not_run(repo: Repo) -> None:
    hook = repo.path / ".git" / "hooks" / "post-commit"
    hook.write_text("#!/bin/sh\necho never\n")
    repo.cg("init", "--no-model")
    done = repo.run("git", "commit", "--allow-empty", "-qm", "x", CG_WORKER="off")
    assert "never" not in done.stdout + done.stderr


def test_our_own_hooks_end_with_zero_whatever_happens(graphed: Repo) -> None:
    """Even where nothing can be written: the home of the spool is a file."""
    scripts = {name: graphed.hook(name).read_bytes() for name in HOOKS}
    subprocess.run(["rm", "-rf", str(graphed.home)], check=True)
    graphed.home.write_text("in the way")
    for name, script in scripts.items():
        copy = graphed.path / ".git" / name
        copy.write_bytes(script)
        done = graphed.run("sh", str(copy), "amend")
        assert (done.stdout, done.stderr) == ("", "")
    graphed.run("git", "commit", "--allow-empty", "-qm", "x", CG_WORKER="")


# CG_SKIP.


def test_a_skipped_commit_is_counted_and_takes_nothing(graphed: Repo) -> None:
    graphed.cg("decide", "for the next one")
    skipped = graphed.commit("secret", CG_SKIP="1")
    assert not recorded(graphed, skipped)
    assert json.loads(graphed.cg("status", "--json").stdout)["skipped"] == 1
    assert json.loads(graphed.cg("status", "--json").stdout)["staged"] == 1
    kept = graphed.commit("open")
    assert choices(graphed, kept) == ["for the next one"]
    assert not recorded(graphed, skipped)
    assert json.loads(graphed.cg("status", "--json").stdout)["skipped"] == 1


def test_skip_in_every_hook(graphed: Repo) -> None:
    graphed.git("checkout", "-qb", "topic")
    patch = graphed.git("format-patch", "-1", "--stdout", graphed.commit("patch", CG_SKIP="1"))
    graphed.commit("on topic")
    graphed.git("checkout", "-q", "main")
    graphed.git("am", "-q", stdin=patch + "\n", CG_SKIP="1")
    applied = graphed.sha()
    graphed.git("merge", "-q", "--no-edit", "topic", CG_SKIP="1")
    assert not recorded(graphed)
    assert not recorded(graphed, applied)
    assert json.loads(graphed.cg("status", "--json").stdout)["skipped"] == 3
    graphed.git("checkout", "-q", "topic")
    graphed.git("merge", "-q", "--ff-only", "main", CG_SKIP="1")
    assert json.loads(graphed.cg("status", "--json").stdout)["skipped"] == 3, "a fast-forward makes no commit"


@pytest.mark.parametrize("look", [False, True])
def test_skip_at_the_stop_of_a_rebase(graphed: Repo, look: bool) -> None:
    graphed.git("checkout", "-qb", "topic")
    graphed.commit("one", {"one": "1\n"})
    graphed.commit("two", {"two": "2\n"})
    graphed.git("rebase", "-q", "-i", "main", GIT_SEQUENCE_EDITOR="sed -i 1s/pick/edit/")
    graphed.cg("decide", "for the open one")
    skipped = graphed.commit("secret\n\nDecision: not for everybody", CG_SKIP="1")
    if look:  # the worker may come in the middle of it
        graphed.cg("status")
    kept = graphed.commit("open")
    graphed.git("rebase", "--continue")
    assert "recorded" not in "".join(graphed.note(skipped))
    assert choices(graphed, kept) == ["for the open one"]
    assert "recorded" not in "".join(graphed.note(skipped))
    assert json.loads(graphed.cg("status", "--json").stdout)["skipped"] == 1


@pytest.mark.parametrize("backend", ["merge", "apply"])
def test_skip_on_the_way_of_a_rebase(graphed: Repo, backend: str) -> None:
    """A conflict resolved with CG_SKIP=1: what is said on the way is not captured; the reasons of the old commit still come along."""
    graphed.commit("base", {"f": "base\n"})
    graphed.git("checkout", "-qb", "topic")
    graphed.cg("decide", "kept")
    graphed.commit("topic\n\nDecision: by trailer", {"f": "topic\n"})
    graphed.git("checkout", "-q", "main")
    graphed.commit("main", {"f": "main\n"})
    graphed.git("checkout", "-q", "topic")
    graphed.git("rebase", "-q", f"--{backend}", "main", check=False)
    (graphed.path / "f").write_text("both\n")
    graphed.git("add", "f")
    graphed.git("rebase", "--continue", CG_SKIP="1")
    assert choices(graphed) == ["kept", "by trailer"]
    assert '"kind":"recorded"' not in "".join(graphed.note())
    assert json.loads(graphed.cg("status", "--json").stdout)["skipped"] == 1


def test_git_cg_is_cg(graphed: Repo) -> None:
    path = f"{CG.parent}{os.pathsep}{os.environ['PATH']}"
    assert graphed.run("git", "cg", "log", "-n", "1", PATH=path).stdout == graphed.cg("log", "-n", "1").stdout
