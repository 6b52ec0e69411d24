"""Each check: the thing is really broken, named, and mended where `--fix` says it can be."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from contextgraph import doctor
from contextgraph.embed.small import store_small
from contextgraph.graph import Graph
from contextgraph.lock import locked
from tests.conftest import Repo


def found(repo: Repo, *options: str) -> dict[str, dict[str, object]]:
    """The findings by name. `no-model` is left out: no test here but its own is about it."""
    answer = json.loads(repo.cg("doctor", "--json", *options, code=None).stdout)
    return {each["name"]: each for each in answer["findings"] if each["name"] != "no-model"}


def test_a_whole_repository_has_no_fault(graphed: Repo) -> None:
    graphed.commit("one")
    assert found(graphed) == {}
    assert "no-model" in graphed.cg("doctor").stdout


def test_not_set_up(repo: Repo) -> None:
    assert "not-set-up" in found(repo)
    assert found(repo, "--fix")["not-set-up"]["fixed"]
    assert found(repo) == {}


def remove_a_hook(repo: Repo) -> None:
    (repo.path / ".git/hooks/post-merge").unlink()


def kill_the_interpreter(repo: Repo) -> None:
    for hook in (repo.path / ".git/hooks").glob("post-*"):
        lines = [f"cg_python='{repo.path}/gone'" if line.startswith("cg_python=") else line for line in hook.read_text().splitlines()]
        hook.write_text("\n".join(lines) + "\n")


def leave_a_lock(repo: Repo) -> None:
    repo.cg("record", "-F", "-", stdin='{"summary": "x"}')
    lock = repo.path / ".git/refs/notes/contextgraph.lock"
    lock.write_text("")
    os.utime(lock, (time.time() - 3600, time.time() - 3600))


def set_a_plus_refspec(repo: Repo) -> None:
    bare = repo.path.parent / "bare"
    subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
    repo.git("remote", "add", "origin", str(bare))
    repo.cg("init", "--no-model")
    repo.git("config", "--add", "remote.origin.fetch", "+refs/notes/*:refs/notes/*")


def set_a_push_refspec(repo: Repo) -> None:
    set_a_plus_refspec(repo)
    repo.git("config", "--unset-all", "--fixed-value", "remote.origin.fetch", "+refs/notes/*:refs/notes/*")
    repo.git("config", "--add", "remote.origin.push", "refs/notes/contextgraph")


def set_rewrite_ref(repo: Repo) -> None:
    repo.git("config", "notes.rewriteRef", "refs/notes/*")


def add_a_remote_with_notes(repo: Repo) -> None:
    """A remote that somebody shared notes with, added after `cg init`: nothing fetches them here."""
    other = repo.path.parent / "other"
    subprocess.run(["git", "clone", "--quiet", str(repo.path), str(other)], check=True)
    Repo(other).cg("record", "-F", "-", stdin='{"summary": "theirs"}')
    repo.git("remote", "add", "origin", str(other))


def mix_the_fan_out(repo: Repo) -> None:
    repo.git("notes", "--ref", "contextgraph", "add", "-m", "by hand")


def hide_the_journal(repo: Repo) -> None:
    """The ref is locked by somebody while something is recorded."""
    lock = repo.path / ".git/refs/notes/contextgraph.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("")
    repo.cg("record", "-F", "-", stdin='{"summary": "x"}', code=None)


def damage_the_index(repo: Repo) -> None:
    for number in range(40):
        repo.commit(f"commit {number}")
    repo.cg("refresh")
    path = repo.home / "index.db"
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4096] = b"\xff" * 4096
    path.write_bytes(data)


MENDED: list[tuple[str, Callable[[Repo], None]]] = [
    ("hooks-missing", remove_a_hook),
    ("dead-interpreter", kill_the_interpreter),
    ("stale-lock", leave_a_lock),
    ("dangerous-refspec", set_a_plus_refspec),
    ("dangerous-refspec", set_a_push_refspec),
    ("rewrite-ref", set_rewrite_ref),
    ("notes-never-fetched", add_a_remote_with_notes),
    ("mixed-fan-out", mix_the_fan_out),
]


@pytest.mark.parametrize(("name", "spoil"), MENDED, ids=[f"{name}-{spoil.__name__}" for name, spoil in MENDED])
def test_a_fault_is_named_and_mended(graphed: Repo, name: str, spoil: Callable[[Repo], None]) -> None:
    spoil(graphed)
    before = found(graphed)
    assert name in before
    assert before[name]["cure"]
    assert graphed.cg("doctor", code=1).stdout.count(name) == 1
    assert found(graphed, "--fix")[name]["fixed"]
    assert name not in found(graphed)


def test_a_damaged_index_is_named_or_healed_with_the_same_answers(graphed: Repo) -> None:
    damage_the_index(graphed)
    graphed.cg("doctor", "--fix", code=None)
    assert found(graphed) == {}
    assert json.loads(graphed.cg("log", "--json", "-n", "100").stdout)["total"] == 41


def test_shadowed_hooks_are_named(graphed: Repo) -> None:
    graphed.git("config", "core.hooksPath", str(graphed.path.parent / "elsewhere"))
    assert "hooks-shadowed" in found(graphed)


def test_hooks_that_do_not_fire_are_named(graphed: Repo) -> None:
    hook = graphed.path / ".git/hooks/post-commit"
    hook.write_text(hook.read_text().replace("#!/bin/sh\n", "#!/bin/sh\nexit 0\n", 1))
    assert "hooks-silent" in found(graphed)


def test_events_that_wait_in_the_journal_are_named(graphed: Repo) -> None:
    hide_the_journal(graphed)
    assert "journal-unpublished" in found(graphed)
    (graphed.path / ".git/refs/notes/contextgraph.lock").unlink()
    assert "journal-unpublished" not in found(graphed)


def test_unreadable_lines_are_counted_with_where(graphed: Repo) -> None:
    sha = graphed.commit("one")
    graphed.git("notes", "--ref", "contextgraph", "append", "-m", "written by a human", "-m", '{"id":"future","v":99}', sha)
    finding = found(graphed)["unreadable-lines"]
    assert "2 lines" in str(finding["message"])
    assert "1 of them from a newer version" in str(finding["message"])
    assert sha[:12] in str(finding["message"])


def test_circles_and_strangers_in_decision_chains_are_named(graphed: Repo) -> None:
    graphed.commit("one\n\nbody\n\nDecision: a\nSupersedes: cg-000000000000")
    assert "cg-000000000000" in str(found(graphed)["decision-chain"]["message"])


def test_a_shallow_and_a_partial_clone_are_advice(graphed: Repo) -> None:
    graphed.commit("one")
    graphed.git("config", "uploadpack.allowFilter", "true")
    for name, option in (("shallow-clone", "--depth=1"), ("partial-clone", "--filter=blob:none")):
        clone = Repo(graphed.path.parent / name)
        subprocess.run(["git", "clone", "--quiet", option, f"file://{graphed.path}", str(clone.path)], check=True)
        clone.cg("init", "--no-model")
        assert found(clone)[name]["level"] == "advice"


def test_clocks_in_the_future_are_named(graphed: Repo) -> None:
    graphed.commit("from tomorrow", GIT_COMMITTER_DATE="@4102444800 +0000")
    assert "2100-01-01" in str(found(graphed)["clock-skew"]["message"])


def test_a_missing_commit_graph_on_a_big_repository_is_written(graphed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextgraph.doctor import here
    from contextgraph.graph import Graph

    graphed.commit("one")
    monkeypatch.setattr(here, "BIG", 1)  # the size is the only thing that is not real here
    graph = Graph.open(graphed.path)
    graph.catch_up()
    assert [each.name for each in doctor.examine(graph, fix=False) if each.name == "commit-graph-missing"]
    assert all(each.fixed for each in doctor.examine(graph, fix=True) if each.name == "commit-graph-missing")
    assert (graphed.path / ".git/objects/info/commit-graph").exists()


def test_vectors_behind_and_broken_are_mended(graphed: Repo) -> None:
    store_small()
    graphed.commit("one")
    assert "vectors-behind" in found(graphed)
    assert found(graphed, "--fix")["vectors-behind"]["fixed"]
    for path in (graphed.home / "chroma").rglob("chroma.sqlite3"):
        path.write_bytes(path.read_bytes()[:5000])
    assert "vectors-behind" in found(graphed)
    assert found(graphed, "--fix")["vectors-behind"]["fixed"]
    assert found(graphed) == {}


def test_vectors_that_are_being_made_are_no_fault(graphed: Repo) -> None:
    store_small()
    graphed.commit("one")
    with locked(graphed.home / "embed.lock"):
        assert found(graphed) == {}
        graphed.cg("doctor")
    assert "vectors-behind" in found(graphed)


def test_a_damaged_model_is_named(graphed: Repo) -> None:
    info = store_small()
    (Path(info.path) / "model.onnx").write_bytes(b"no model")
    assert Graph.open(graphed.path).meaning.model_state()["problem"]
    assert "model-damaged" in found(graphed)
