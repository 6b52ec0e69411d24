"""Others read our notes as well: plain git, libgit2 and GitPython see the same lines, whatever the fan-out."""

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
