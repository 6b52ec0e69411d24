"""Settings: five layers in order, one table of keys, and for everything else one clear sentence."""

import os
from pathlib import Path
from typing import Any

import pytest

from contextgraph import config
from contextgraph.errors import Error, UsageError


@pytest.fixture
def user(seal: dict[str, str]) -> Path:
    path = Path(seal["XDG_CONFIG_HOME"]) / "contextgraph" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


def test_a_later_layer_wins_and_each_value_knows_its_source(tmp_path: Path, user: Path) -> None:
    def load(**variables: str) -> config.Config:
        return config.load(tmp_path, git, {**os.environ, **variables})

    git: dict[str, list[str]] = {}
    assert load().text("track.branch") == "" and load().sources["track.branch"] == "default"
    user.write_text('[track]\nbranch = "user"\n')
    assert load().text("track.branch") == "user" and load().sources["track.branch"] == str(user)
    (tmp_path / config.POLICY).write_text('[track]\nbranch = "policy"\n')
    assert load().text("track.branch") == "policy"
    git["track.branch"] = ["first", "last"]
    git["installed"] = ["0.1.0"]
    assert load().text("track.branch") == "last" and load().sources["track.branch"] == "git config"
    assert load(CG_TRACK_BRANCH="variable").text("track.branch") == "variable"
    assert load(CG_TRACK_BRANCH="").text("track.branch") == "last", "set and empty is not set"


def test_unknown_variables_only_warn_and_those_of_ours_do_not(tmp_path: Path) -> None:
    known = dict.fromkeys(config.VARIABLES, "1")
    found = config.load(tmp_path, {}, {**os.environ, **known, "CG_SERCH_LIMIT": "5"})
    assert found.warnings == ("the variable CG_SERCH_LIMIT is not known and has no effect",)


@pytest.mark.parametrize(
    ("name", "value", "where", "expected"),
    [
        ("search.limit", "25", "environment", 25),
        ("search.limit", 25, "file", 25),
        ("index.vectors", "off", "environment", False),
        ("index.vectors", ["true", "no"], config.GIT, False),
        ("index.vectors", 0, "file", False),
        ("track.branches", "a b", "environment", ["a", "b"]),
        ("track.branches", ["a b", "c"], config.GIT, ["a b", "c"]),
        ("track.branches", [], "file", []),
        ("capture.when", "decisions", "file", "decisions"),
    ],
)
def test_values_are_read_in_the_type_of_their_key(name: str, value: Any, where: str, expected: object) -> None:
    assert config.check(name, value, where) == expected


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("search.limit", "many", "file: `search.limit` is 'many', and must be a whole number"),
        ("search.limit", True, "must be a whole number"),
        ("search.limit", 10.5, "must be a whole number"),
        ("search.limit", "-1", "must be a whole number"),
        ("search.limit", "٣", "must be a whole number"),
        ("search.limit", "9" * 5000, "must be a whole number"),
        ("search.limit", 2**63, "must be a whole number"),
        ("index.vectors", "perhaps", "must be true or false"),
        ("index.vectors", [], "must be true or false"),
        ("track.branches", [1, {}], "must be a list of words"),
        ("track.branches", {"a": 1}, "must be a list of words"),
        ("track.branch", ["a", "b"], "must be a string"),
        ("track.branch", 5, "must be a string"),
        ("capture.when", "never", "is 'never', and must be one of always, decisions"),
        ("capture.when", "x" * 500, "must be one of"),
    ],
)
def test_a_value_of_the_wrong_kind_is_one_sentence(name: str, value: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        config.check(name, value, "file")
    assert words in caught.value.message and len(caught.value.message) < 200


def test_an_unknown_key_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="unknown setting") as caught:
        config.check("serch.limit", 1, "file")
    assert caught.value.hint == "did you mean `search.limit`?"
    with pytest.raises(UsageError) as caught:
        config.find("zzzz")
    assert "cg config list" in (caught.value.hint or "")


def test_a_repositorys_file_cannot_set_what_is_the_users(tmp_path: Path) -> None:
    (tmp_path / config.POLICY).write_text("[ui]\npager = false\n")
    with pytest.raises(UsageError, match="a setting of the user, not of a repository"):
        config.load(tmp_path, {}, os.environ)
    assert not any(word in name for name, key in config.KEYS.items() if key.policy for word in ("command", "url", "editor", "pager"))


@pytest.mark.parametrize(
    "content",
    [b"[track", b"branch = 1", b"[track]\nbranch = 'caf\xe9'", b"[search]\nlimit = " + b"9" * 5000, b"[a]\nb = " + b"[" * 5000, b"\0"],
)
def test_a_file_that_cannot_be_read_is_named_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / config.POLICY).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        config.load(tmp_path, {}, os.environ)
    assert config.POLICY in caught.value.message and "\n" not in caught.value.message and len(caught.value.message) < 400


def test_setting_a_value_keeps_the_others_and_never_replaces_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "config.toml"
    config.write_toml(path, "search.limit", 5)
    config.write_toml(path, "track.branches", ["a", 'b"c'])
    config.write_toml(path, "search.limit", 7)
    assert config.read_toml(path) == {"search.limit": 7, "track.branches": ["a", 'b"c']}
    path.write_text("[broken")
    with pytest.raises(UsageError):
        config.write_toml(path, "search.limit", 5)
    assert path.read_text() == "[broken" and list(path.parent.iterdir()) == [path]
    path.unlink()
    path.mkdir()
    with pytest.raises(Error, match="cannot be written"):
        config.write_toml(path, "search.limit", 5)
    assert list(path.parent.iterdir()) == [path]


def test_every_default_is_a_value_of_its_own_key() -> None:
    for name, key in config.KEYS.items():
        assert config.check(name, key.default, "file") == key.default
        assert key.variable.startswith("CG_") and key.about and name.count(".") == 1
