"""Paths of the command line: relative to the current directory, as git's own commands take them, or from the top."""

import json

import pytest

from tests.conftest import Repo


@pytest.fixture
def here(graphed: Repo) -> Repo:
    """Standing in core/ of a repository with files of one name at the top and below."""
    graphed.commit("the top readme", {"README": "top\n"})
    graphed.commit("the engine", {"core/engine.py": "one\ntwo\n"})
    graphed.commit("the readme of core", {"core/README": "core\n"})
    graphed.commit("the net", {"net/http.py": "net\n", "top.py": "top\n"})
    graphed.path = graphed.path / "core"
    return graphed


def logged(repo: Repo, *paths: str) -> list[str]:
    done = repo.cg("log", "--json", *(word for path in paths for word in ("--path", path)), code=None)
    return [each["summary"] for each in json.loads(done.stdout)["traces"]]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("engine.py", ["the engine"]),
        ("./engine.py", ["the engine"]),
        ("core/engine.py", ["the engine"]),  # from the top
        ("README", ["the readme of core"]),
        ("../README", ["the top readme"]),
        (".", ["the readme of core", "the engine"]),
        ("../net", ["the net"]),
        ("net/", ["the net"]),
        ("*.py", ["the engine"]),
        ("../*.py", ["the net", "the engine"]),
        ("net/*.py", ["the net"]),
        ("top*", ["the net"]),
        ("./top.py", []),
    ],
)
def test_a_filter(here: Repo, path: str, found: list[str]) -> None:
    assert logged(here, path) == found
    done = here.cg("search", "--json", "engine readme net", "--path", path, code=None)
    assert sorted(each["trace"]["summary"] for each in json.loads(done.stdout)["results"]) == sorted(found)


def test_the_whole_path_from_the_top(here: Repo) -> None:
    top = str(here.path.parent)
    assert logged(here, f"{top}/net") == ["the net"] and len(logged(here, "..")) == len(logged(here, top)) == 4
    here.path = here.path.parent
    assert len(logged(here, ".")) == 4 and logged(here, "core") == logged(here, "core/")
    assert [each["summary"] for each in json.loads(here.cg("log", "-C", "core", "--json", "--path", "README").stdout)["traces"]] == [
        "the readme of core"
    ]


def test_what_is_gone_is_asked_for_in_the_same_way(here: Repo) -> None:
    here.git("rm", "-q", "README")
    here.git("commit", "-q", "-m", "take it away")
    assert logged(here, "README") == ["the top readme"]  # what stands, first
    assert "take it away" in here.cg("why", "./README", code=1).stdout
    here.git("rm", "-q", "engine.py")
    here.git("commit", "-q", "-m", "and the engine")
    here.path.mkdir(exist_ok=True)
    assert logged(here, "engine.py") == logged(here, "core/engine.py") == ["and the engine", "the engine"]
    assert "and the engine" in here.cg("why", "engine.py", code=1).stdout


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("engine.py:2", "the engine"),
        ("engine.py:1-2", "the engine"),
        ("engine.py", "the engine"),
        ("core/engine.py:1", "the engine"),
        ("README", "the readme of core"),
        ("README:1", "the readme of core"),
        ("../README", "the top readme"),
        ("../README:1", "the top readme"),
        ("top.py:1", "the net"),
        ("../net", "the net"),
    ],
)
def test_a_target(here: Repo, target: str, found: str) -> None:
    answer = json.loads(here.cg("why", "--json", "--", target, code=1).stdout)
    assert [each["summary"] for each in [answer["trace"], *answer["traces"]] if each] == [found]


def test_what_is_not_there(here: Repo) -> None:
    assert "is outside of this repository" in here.cg("why", "../../x", code=2).stderr
    assert "is outside of this repository" in here.cg("log", "--path", "../../x", code=2).stderr
    (here.path / "top.py").write_text("not tracked\n")  # it is what was meant
    assert "core/top.py is not tracked by git" in here.cg("why", "top.py", code=1).stdout
    assert "neither a revision nor a path" in here.cg("why", "nowhere.py", code=2).stderr


def test_a_directory_with_the_signs_of_a_pattern(here: Repo) -> None:
    here.commit("a route", {"[id]/page.py": "1\n", "[id]/deep/a.js": "1\n"})
    here.path = here.path / "[id]"
    for path in ("page.py", "*.py", ".", "deep", "deep/*"):
        assert logged(here, path) == ["a route"], path
    here.path = here.path.parent
    assert logged(here, "[id]") == logged(here, "[id]/page.py") == logged(here, "[[]id]") == ["a route"]


def test_no_more_processes(here: Repo) -> None:
    """The place of the current directory comes with the question that opens the repository."""
    from contextgraph.git import Git

    git = Git.discover(here.path)
    assert (git.prefix, git.calls) == ("core/", 0)
    assert Git.discover(here.path.parent).prefix == Git.discover(here.path.parent / ".git").prefix == ""
