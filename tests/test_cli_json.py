"""With --json every command answers with one object that has a schema, or refuses in a sentence."""

import json
import os
from pathlib import Path

import pytest

from contextgraph.embed.small import store_small
from tests.conftest import Repo

DID: dict[str, tuple[str, ...]] = {
    "uninstall": ("uninstall",),
    "config set": ("config", "set", "search.limit", "5"),
    "config check": ("config", "check"),
    "model remove": ("model", "remove"),
    "remap": ("remap", "map"),
    "export": ("export", "events.jsonl"),
    "decide": ("decide", "token bucket"),
    "decide --drop": ("decide", "--drop", "1"),
    "decide --commit": ("decide", "x", "--commit", "HEAD"),
    "record": ("record",),
    "refresh": ("refresh",),
    "init": ("init", "--no-model"),
    "import": ("import", "empty"),
}


@pytest.mark.parametrize("name", DID)
def test_what_was_done_is_one_object(graphed: Repo, name: str) -> None:
    (graphed.path / "map").write_text(f"{graphed.sha()} {'1' * 40}\n")
    (graphed.path / "empty").write_text("")
    if name == "decide --drop":
        graphed.cg("decide", "first")
    done = graphed.cg(*DID[name], "--json", stdin='{"summary": "x"}' if name == "record" else None)
    answer = json.loads(done.stdout)
    assert answer["schema"] == 1 and len(answer) > 1
    assert done.stdout.count("\n") == 1


def test_an_editor_left_empty_and_filled(graphed: Repo, tmp_path: Path) -> None:
    assert json.loads(graphed.cg("decide", "--edit", "--json").stdout) == {"schema": 1, "decision": None, "staged": 0}
    graphed.cg("decide", "first")
    script = tmp_path / "editor"
    script.write_text("#!/bin/sh\nsed -i 's/first/second/' \"$1\"\n")
    script.chmod(0o755)
    answer = json.loads(graphed.cg("decide", "--edit", "--drop", "1", "--json", GIT_EDITOR=str(script)).stdout)
    assert (answer["decision"]["options"][0]["description"], answer["staged"]) == ("second", 1)


def test_what_has_no_answer_in_json_says_so(graphed: Repo) -> None:
    done = graphed.cg("demo", "--json", code=2)
    assert done.stdout == ""
    assert done.stderr.startswith("error: the demo is for reading")


def test_the_model_is_installed_and_vectors_begin(graphed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a repository that is set up a model is put to use at once; it can be installed from anywhere."""
    from contextgraph.cli import settings
    from contextgraph.cli.common import Session
    from contextgraph.ui import Terminal

    store_small()
    assert settings._embed(Session(graphed.path, Terminal())) == 1
    assert settings._embed(Session(graphed.path.parent, Terminal())) == 0
    said = graphed.cg("init").stderr
    assert "have no vector yet; `cg refresh` makes them" in said
    monkeypatch.setitem(os.environ, "CG_WORKER", "")
    assert "are made in the background" in graphed.cg("init").stderr
