"""Patch ids of indexed commits."""

from collections.abc import Iterable

from contextgraph.capture.patches import of_pairs
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status.diffs import first_parent

__all__ = ["of_pairs", "patch_ids"]


def patch_ids(git: Git, database: Database, shas: Iterable[str]) -> dict[str, str]:
    """The patch id of each commit against its first parent (`of_pairs`)."""
    return of_pairs(git, [(sha, first_parent(database, sha)) for sha in sorted(shas)])
