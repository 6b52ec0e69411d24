"""Others read our notes as well: plain git, libgit2 and GitPython see the same lines, whatever the fan-out."""

import json
import subprocess

import git
import pygit2
import pytest

from tests.conftest import Repo


@pytest.fixture
def noted(graphed: Repo) -> Repo:
    for number in range(12):
        graphed.commit(f"commit {number}")
        graphed.cg("record", "-F", "-", stdin=f'{{"summary": "reason {number}"}}')
    return graphed


def test_libgit2_finds_every_note_that_git_finds(noted: Repo) -> None:
    repository = pygit2.Repository(str(noted.path))
    for sha in noted.git("rev-list", "HEAD~11..HEAD").split():
        found = repository.lookup_note(sha, "refs/notes/contextgraph").message.splitlines()
        assert found == noted.note(sha)
        assert any('"summary":"reason ' in line for line in found)


def test_libgit2_sees_what_is_written_over_its_own_flat_note(graphed: Repo) -> None:
    """libgit2 writes notes of its own; the union of both stands in one place after one write of ours."""
    sha = graphed.commit("one")
    repository = pygit2.Repository(str(graphed.path))
    who = pygit2.Signature("Ben", "ben@example.com")
    repository.create_note("written by libgit2", who, who, sha, "refs/notes/contextgraph")
    graphed.cg("record", "-F", "-", stdin='{"summary": "ours"}')
    lines = pygit2.Repository(str(graphed.path)).lookup_note(sha, "refs/notes/contextgraph").message.splitlines()
    assert "written by libgit2" in lines
    assert lines == graphed.note(sha)


def test_gitpython_walks_the_same_tree(noted: Repo) -> None:
    tree = git.Repo(noted.path).commit("refs/notes/contextgraph").tree
    keys = {blob.path.replace("/", "") for blob in tree.traverse() if blob.type == "blob"}
    assert keys == {line.split()[1] for line in noted.git("notes", "--ref", "contextgraph", "list").splitlines()}


def test_plain_git_merges_notes_as_lines_and_destroys_none_of_ours(repo: Repo) -> None:
    """`git notes merge -s cat_sort_uniq`, as others set it: one compact line an event survives it, pretty JSON does not."""
    pretty = {name: json.dumps({"who": name, "why": ["because"]}, indent=2) + "\n" for name in ("ours", "theirs")}
    for name in ("theirs", "ours"):
        repo.git("update-ref", "-d", "refs/notes/contextgraph")
        subprocess.run(["rm", "-rf", str(repo.home)], check=True)
        repo.cg("record", stdin=json.dumps({"decisions": [{"context": name}, {"context": f"more of {name}"}]}))
        repo.git("notes", "--ref", f"pretty-{name}", "add", "-F", "-", stdin=pretty[name])
        if name == "theirs":
            repo.git("update-ref", "refs/notes/others", "refs/notes/contextgraph")
    repo.git("notes", "--ref", "pretty-ours", "merge", "-q", "-s", "cat_sort_uniq", "refs/notes/pretty-theirs")
    spoiled = repo.git("notes", "--ref", "pretty-ours", "show")
    with pytest.raises(json.JSONDecodeError):  # the fact
        json.loads(spoiled)
    repo.git("notes", "--ref", "contextgraph", "merge", "-q", "-s", "cat_sort_uniq", "refs/notes/others")
    found = json.loads(repo.cg("why", "HEAD", "--json").stdout)["trace"]["decisions"]
    assert sorted(each["context"] for each in found) == ["more of ours", "more of theirs", "ours", "theirs"]
    repo.git("notes", "--ref", "contextgraph", "append", "-F", "-", stdin=pretty["theirs"])  # somebody's pretty JSON among them
    repo.cg("record", stdin=json.dumps({"summary": "beside it"}))
    lines = repo.note()
    assert set(filter(None, pretty["theirs"].splitlines())) <= set(lines)
    assert len(json.loads(repo.cg("why", "HEAD", "--json").stdout)["trace"]["decisions"]) == 4
