"""Commits as git streams them, whatever the user's settings, the paths, the encodings and the dates are."""

import json
import os
from pathlib import Path

import pytest

from contextgraph import commits
from contextgraph.commits import Commit
from contextgraph.event import moment
from contextgraph.git import Git
from tests.conftest import Repo

PATHS = ["line\nfeed", "tab\there", 'quote"s', "emoji 😀", ":100644 000 M", "-x", " lead", "back\\slash", "d/:(literal)x", "1\t2\tnumstat"]

HOSTILE = """
[color]
	ui = always
	diff = always
[core]
	quotePath = false
	abbrev = 4
	pager = false
[diff]
	renames = copies
	noprefix = true
	mnemonicPrefix = true
	orderFile = /nonexistent/order
	relative = true
	external = false
	ignoreSubmodules = all
	submodule = log
	suppressBlankEmpty = true
	statGraphWidth = 3
	algorithm = patience
	wordRegex = .
[log]
	showSignature = true
	follow = true
	mailmap = true
	decorate = full
	diffMerges = dense-combined
	showRoot = false
	date = relative
	abbrevCommit = true
[i18n]
	logOutputEncoding = KOI8-R
	commitEncoding = UTF-16
[format]
	pretty = oneline
	notes = *
[notes]
	displayRef = refs/notes/*
[gpg]
	program = false
"""


def all_of(repo: Repo) -> list[Commit]:
    return list(commits.walk(Git.discover(repo.path), [repo.sha()]))


def history(repo: Repo) -> None:
    """One commit of each kind that a parser could stumble over."""
    repo.commit("all paths", dict.fromkeys(PATHS, "one\ntwo\n"))
    repo.git("mv", "emoji 😀", "moved\nemoji")
    repo.commit("a rename", {"extra": "x"})
    repo.git("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "")
    repo.git("checkout", "-q", "-b", "side", "HEAD~1")
    repo.commit("on the side", {"side": "s"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "a merge", "side")
    (repo.path / "extra").unlink()
    (repo.path / "extra").symlink_to("side")
    repo.commit("a type change and a binary file", {"blob": "\0\1\2"})
    repo.git("rm", "-q", "-r", "d")
    repo.git("commit", "-q", "-m", "a removal\n\nbody\n\n\nmore  body \n:100644 not raw\n")


def test_every_path_is_read_as_it_is(repo: Repo) -> None:
    history(repo)
    by_subject = {commit.subject: commit for commit in all_of(repo)}
    assert {change[1] for change in by_subject["all paths"].changes} == set(PATHS)
    assert {change[0] for change in by_subject["a type change and a binary file"].changes} == {"T", "A"}
    assert by_subject["a removal"].changes == (("D", "d/:(literal)x", None),)
    assert by_subject["a removal"].body == "body\n\nmore  body\n:100644 not raw"
    assert by_subject["a merge"].changes == () and len(by_subject["a merge"].parents) == 2
    assert by_subject[""].changes == ()
    renamed = next(commits.read(Git.discover(repo.path), [by_subject["a rename"].sha]))
    assert ("R", "moved\nemoji", "emoji 😀") in renamed.changes
    assert renamed.stats is not None and (renamed.stats.files, renamed.stats.insertions, renamed.stats.deletions) == (2, 1, 0)


def test_the_users_settings_change_nothing(repo: Repo) -> None:
    history(repo)
    git = Git.discover(repo.path)
    signed = raw_commit(repo, "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n", "Жук".encode())
    repo.git("reset", "-q", "--hard", signed)
    repo.git("checkout", "-q", "--orphan", "island")
    repo.git("commit", "-q", "-m", "a root with files")
    repo.git("merge", "-q", "--allow-unrelated-histories", "-s", "ours", "-m", "both", "main")
    calm = all_of(repo)
    patch = git.run("log", "-1", "-p", "--no-merges")
    shas = [commit.sha for commit in calm]
    detailed = list(commits.read(git, shas))
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(HOSTILE)
    (repo.path / ".mailmap").write_text("Mallory <m@example.com> <ann@example.com>\n")
    (repo.path / "d").mkdir()
    hostile = Git.discover(repo.path / "d", {**os.environ, "GIT_PAGER_IN_USE": "1", "LANG": "de_DE.UTF-8"})
    assert list(commits.walk(hostile, [repo.sha()])) == calm
    assert list(commits.read(hostile, shas)) == detailed
    assert b"\x1b" not in patch and b"\x1b" not in hostile.run("log", "-1", "-p", "--no-merges")
    assert any(commit.changes for commit in calm if commit.subject == "all paths")


def raw_commit(repo: Repo, header: str, message: bytes, dates: tuple[str, str] = ("1767225600 +0000", "1767225600 +0000")) -> str:
    tree = repo.git("rev-parse", "HEAD^{tree}")
    text = (
        f"tree {tree}\nparent {repo.sha()}\nauthor Jos\u00e9 <j@example.com> {dates[0]}\ncommitter C <c@example.com> {dates[1]}\n{header}\n"
    )
    return repo.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=text.encode() + message)


@pytest.mark.parametrize(
    ("header", "message", "expected"),
    [
        ("", "naïve".encode("latin-1"), "naïve"),
        ("encoding ISO-8859-1\n", "naïve".encode("latin-1"), "naïve"),
        ("encoding Shift_JIS\n", "日本".encode("shift_jis"), "日本"),
        ("encoding no-such\n", "naïve".encode(), "naïve"),
        ("", "日本 😀\n\ud7ff".encode(), "日本 😀 \ud7ff"),
        ("", b"before\0after", "before"),
        ("", b"", ""),
        ("", b"\n\n\nafter blank lines\r\n", "after blank lines"),
    ],
)
def test_messages_in_any_encoding(repo: Repo, header: str, message: bytes, expected: str) -> None:
    sha = raw_commit(repo, header, message)
    commit = next(commits.read(Git.discover(repo.path), [sha], details=False))
    assert commit.subject == expected
    commit.message.encode("utf-8")


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("0 +0000", 0),
        ("253402300800 +0000", 253402300799),
        ("18446744073709551614 +0000", 253402300799),
        ("9" * 5000 + " +0000", 253402300799),
        ("nonsense", 0),
        ("1767225600 +9999", 1767225600),
    ],
)
def test_a_forged_date_is_bounded_to_what_can_be_said(repo: Repo, date: str, seconds: int) -> None:
    sha = raw_commit(repo, "", b"forged\n", (date, date))
    commit = next(commits.read(Git.discover(repo.path), [sha], details=False))
    assert commit.commit_time == seconds and commit.author_time == seconds
    assert len(moment(commit.commit_time)) == 24


def test_known_tips_end_the_walk_and_absent_ones_are_passed_over(repo: Repo) -> None:
    first = repo.sha()
    second = repo.commit("second")
    git = Git.discover(repo.path)
    assert [commit.sha for commit in commits.walk(git, [second], [first])] == [second]
    assert [commit.sha for commit in commits.walk(git, [second], ["1" * 40])] == [second, first]
    assert [commit.sha for commit in commits.read(git, [second, first])] == [second, first]
    assert list(commits.read(git, [])) == []


def test_a_thousand_commits_are_one_process(repo: Repo) -> None:
    stream = "".join(
        f"commit refs/heads/main\ncommitter A <a@b> {n} +0000\ndata 5\nc{n:04d}\n{'from ' + repo.sha() + chr(10) if n == 0 else ''}\n"
        for n in range(1000)
    )
    repo.git("fast-import", "--quiet", "--force", stdin=stream)
    git = Git.discover(repo.path)
    before = git.calls
    assert [commit.subject for commit in commits.walk(git, [repo.sha()])][:-1] == [f"c{n:04d}" for n in reversed(range(1000))]
    assert git.calls == before + 1


def test_sha256_commits_and_submodule_changes(tmp_path: Path, repo: Repo) -> None:
    repo.git("init", "-q", "--object-format=sha256", str(tmp_path / "wide"))
    wide = Repo(tmp_path / "wide")
    sha = wide.commit("first", {"a": "1\n"})
    assert len(sha) == 64 and all_of(wide)[0].changes == (("A", "a", None),)
    repo.git("clone", "-q", str(repo.path), str(tmp_path / "other"))
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "other"), "sub")
    repo.commit("add a submodule", {"x": "y"})
    Repo(tmp_path / "other").commit("moved on")
    repo.git("-C", "sub", "pull", "-q")
    repo.git("commit", "-q", "-m", "bump", "sub")
    repo.git("config", "diff.ignoreSubmodules", "all")
    assert all_of(repo)[0].changes == (("M", "sub", None),)


def test_a_lost_object_costs_the_counts_of_its_own_commits_alone(repo: Repo) -> None:
    shas = [repo.commit(f"Change {number}", {"file": f"{number}\n", f"other {number}": "x\n"}) for number in range(5)]
    blob = repo.git("rev-parse", f"{shas[2]}:file")
    (repo.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    found = list(commits.readable(Git.discover(repo.path, os.environ), shas))
    assert [(each.sha, each.insertions) for each in found] == list(zip(shas, [2, 2, None, None, 2], strict=True))
    assert [change[1] for change in found[2].changes] == ["file", "other 2"]
    answer = json.loads(repo.cg("log", "--json").stdout)
    assert [trace["stats"] is None for trace in answer["traces"]][:5] == [False, True, True, False, False]
    assert answer["reasons"] == ["the changes of 2 commits are not counted: their content is not in this clone"]


def test_a_partial_clone_answers_without_its_remote(repo: Repo) -> None:
    sha = repo.commit("Change", {"file": "x\n"})
    repo.git("config", "uploadpack.allowFilter", "true")
    partial = Repo(repo.path.parent / "partial")
    repo.git("clone", "--quiet", "--filter=blob:none", "--no-checkout", f"file://{repo.path}", str(partial.path))
    repo.path.rename(repo.path.parent / "gone")
    answer = json.loads(partial.cg("why", sha, "--json", code=1).stdout)
    assert (answer["trace"]["stats"], answer["trace"]["files"][0]["path"]) == (None, "file")
    assert answer["reasons"][1:] == ["the changes of 1 commit are not counted: their content is not in this clone"], "beside the notes"
