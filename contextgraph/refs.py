"""Every ref that concerns us, in one process: heads, remote-tracking heads, our notes here and as remotes have them."""

import re
from pathlib import Path

import msgspec

from contextgraph.commits import text
from contextgraph.git import NOTES_REF, Git

TRACKING = "refs/contextgraph/remotes/"
"""Where a fetch puts the notes of a remote: never on top of our own (EVIDENCE, Sharing)."""


class Refs(msgspec.Struct, frozen=True):
    """`heads` maps every local and remote-tracking head to its commit; `tracking` every ref of a remote's notes to theirs. Names
    are text: one in another encoding than UTF-8 is read as a commit message in it would be."""

    heads: dict[str, str] = {}
    notes: str | None = None
    tracking: dict[str, str] = {}
    origin_head: str | None = None
    detached: str | None = None

    @property
    def tips(self) -> list[str]:
        """The commits that the history is walked from, sorted."""
        return sorted({*self.heads.values(), *([self.detached] if self.detached else [])})


def read(git: Git) -> Refs:
    head = ["--include-root-refs", "HEAD"] if stack(git.common_dir).is_file() else []
    wanted = ("--format=%(refname)%00%(objectname)%00%(symref)", "refs/heads", "refs/remotes", NOTES_REF, TRACKING)
    rows = git.run("for-each-ref", *head, *wanted)
    heads: dict[str, str] = {}
    tracking: dict[str, str] = {}
    notes = origin_head = None
    detached = None if head else _detached(git)
    for row in rows.split(b"\n")[:-1]:
        name, sha, symref = text(row).split("\0")
        if name == NOTES_REF:
            notes = sha
        elif name.startswith(TRACKING):
            tracking[name] = sha
        elif name == "HEAD":
            detached = None if symref else sha
        else:
            heads[name] = sha
            origin_head = symref if name == "refs/remotes/origin/HEAD" else origin_head
    return Refs(heads, notes, tracking, origin_head, detached)


def stack(git_dir: Path) -> Path:
    """What names the tables of refs and reflogs where those are no files (reftable); it changes with each of them. One a worktree."""
    return git_dir / "reftable" / "tables.list"


def _detached(git: Git) -> str | None:
    """HEAD's commit when no branch has it."""
    head = (git.git_dir / "HEAD").read_text(errors="replace").strip()
    return head if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", head) else None
