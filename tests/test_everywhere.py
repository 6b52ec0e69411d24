"""One question to every repository of this machine: merged, named, and none of them can spoil it for the others."""

import json
import os
import shutil
from pathlib import Path

import pytest

from contextgraph import registry
from tests.conftest import Repo


@pytest.fixture
def three(template: Path, tmp_path: Path) -> dict[str, Repo]:
    """Three repositories after `cg init`, each with one commit about a limit and one about something else."""
    os.environ["CG_WORKER"] = "off"
    found = {}
    for number, name in enumerate(("alpha", "beta", "gamma")):
        shutil.copytree(template, tmp_path / name, symlinks=True)
        one = found[name] = Repo(tmp_path / name)
        one.git("remote", "add", "origin", f"https://user:secret@example.com/{name}.git")
        one.commit(f"Limit the rate of {name}" if number else "Limit")
        one.commit(f"Colour the sheds of {name}")
        one.cg("init", "--no-model", "-q")
    return found


def everywhere(repo: Repo, *words: str, code: int = 0) -> dict[str, object]:
    answer: dict[str, object] = json.loads(repo.cg("search", "--everywhere", "--json", *words, code=code).stdout)
    return answer


def repos(answer: dict[str, object]) -> list[str]:
    return [each["trace"]["repo"] for each in answer["results"]]  # type: ignore[attr-defined]


def test_results_of_all_are_merged_by_score_and_carry_their_repository(three: dict[str, Repo], tmp_path: Path) -> None:
    outside = Repo(tmp_path)
    answer = everywhere(outside, "limit")
    assert sorted(repos(answer)) == [f"https://example.com/{name}.git" for name in three]
    scores = [each["score"] for each in answer["results"]]  # type: ignore[attr-defined]
    assert scores == sorted(scores, reverse=True)
    for name, one in three.items():
        alone = json.loads(one.cg("search", "limit", "--json").stdout)["results"]
        assert alone[0]["score"] in scores, f"{name} answers as it does by itself"
    lines = outside.cg("search", "--everywhere", "limit").stdout.splitlines()
    assert sorted(line.split()[0] for line in lines if "imit" in line) == list(three)
    assert len(repos(everywhere(outside, "limit", "-n", "2"))) == 2
    assert answer["total"] == 3 and "secret" not in json.dumps(answer)
    assert everywhere(outside, "nothing-like-it", code=1)["results"] == []


def test_where_one_stands_is_asked_too_and_two_clones_answer_once(three: dict[str, Repo], tmp_path: Path) -> None:
    three["beta"].cg("uninstall", "-q")
    assert "https://example.com/beta.git" not in repos(everywhere(three["alpha"], "limit"))
    assert "https://example.com/beta.git" in repos(everywhere(three["beta"], "limit"))
    shutil.copytree(three["gamma"].path, tmp_path / "copy", symlinks=True)
    Repo(tmp_path / "copy").cg("init", "--no-model", "-q")
    assert repos(everywhere(three["alpha"], "limit")).count("https://example.com/gamma.git") == 1


def test_filters_are_read_in_each_and_one_that_cannot_answer_is_a_reason(three: dict[str, Repo], tmp_path: Path) -> None:
    outside = Repo(tmp_path)
    three["alpha"].git("tag", "only-here")
    answer = everywhere(outside, "limit", "--as-of", "only-here")
    assert repos(answer) == ["https://example.com/alpha.git"]
    assert sum("was not asked" in reason and "only-here" in reason for reason in answer["reasons"]) == 2  # type: ignore[attr-defined]
    assert answer["complete"] is False


def test_a_broken_repository_is_a_reason_and_a_vanished_one_is_forgotten(three: dict[str, Repo], tmp_path: Path) -> None:
    outside = Repo(tmp_path)
    (three["alpha"].path / ".git" / "HEAD").write_text("broken")
    (three["beta"].path / ".contextgraph.toml").write_text("[nothing\n")
    answer = everywhere(outside, "limit")
    assert repos(answer) == ["https://example.com/gamma.git"]
    reasons = "\n".join(answer["reasons"])  # type: ignore[arg-type]
    assert "alpha was not asked" in reasons and "beta was not asked" in reasons
    shutil.rmtree(three["gamma"].path)
    assert "gamma" not in outside.cg("search", "--everywhere", "limit", code=1).stdout
    assert [path.name for path in registry.listed(os.environ)] == ["alpha", "beta"]
    assert "gamma" not in registry.path(os.environ).read_text()


def test_nobody_to_ask_is_said(repo: Repo, tmp_path: Path) -> None:
    assert "no repository is set up" in Repo(tmp_path).cg("search", "--everywhere", "limit", code=2).stderr


def test_init_registers_once_and_uninstall_takes_it_out(repo: Repo) -> None:
    repo.cg("init", "--no-model", "-q")
    repo.cg("init", "--no-model", "-q")
    assert registry.path(os.environ).read_text() == f"{repo.path}\n"
    repo.cg("uninstall", "-q")
    assert registry.listed(os.environ) == []


def test_a_list_that_cannot_be_written_is_no_reason_to_stop(repo: Repo, seal: dict[str, str]) -> None:
    Path(seal["XDG_DATA_HOME"]).write_text("a file where a directory should be")
    assert "--everywhere" in repo.cg("init", "--no-model").stderr
    repo.cg("search", "base")
