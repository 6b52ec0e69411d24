"""The one fetch refspec a remote gets from `cg init`, so that a plain `git fetch` or `git pull` brings its notes along.

It writes to a place of its own: a refspec onto refs/notes/contextgraph itself discards unpushed notes, and one without a
wildcard breaks `git pull` from a remote that has none. There is never a push refspec: it would keep branches back.
"""

from collections.abc import Mapping

from contextgraph.git import Git
from contextgraph.lag import remotes
from contextgraph.transfer import refspec


def add(git: Git, settings: Mapping[str, list[str]]) -> list[str]:
    """Give each remote that lacks it our refspec; returns each change made, in words."""
    changes: list[str] = []
    for remote in remotes(settings):
        if _has(git, remote):
            continue
        git.run("config", "--local", "--add", f"remote.{remote}.fetch", refspec(remote))
        changes.append(f"git config --add remote.{remote}.fetch {refspec(remote)}")
    return changes


def remove(git: Git, settings: Mapping[str, list[str]]) -> list[str]:
    """Take our refspec back from every remote."""
    changes: list[str] = []
    for remote in remotes(settings):
        if _has(git, remote):
            git.run("config", "--local", "--fixed-value", "--unset-all", f"remote.{remote}.fetch", refspec(remote))
            changes.append(f"git config remote.{remote}.fetch {refspec(remote)} removed")
    return changes


def _has(git: Git, remote: str) -> bool:
    found = git.maybe("config", "--local", "-z", "--get-all", f"remote.{remote}.fetch") or ""
    return refspec(remote) in found.split("\0")
