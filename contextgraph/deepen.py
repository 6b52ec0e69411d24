"""What a clone of CI lacks for a check, fetched when asked: the rest of the history, the target branch, the notes."""

from collections.abc import Mapping

from contextgraph import lag, sync, transfer
from contextgraph.errors import Error, GitError
from contextgraph.git import Git


def deepen(git: Git, settings: Mapping[str, list[str]], branch: str = "") -> str:
    """Make a shallow clone whole, bring the target branch and the remote's notes; returns the remote. Raises Error."""
    remote = sync.choose(settings, "")
    name = branch or _default(git, remote)
    shallow = (git.common_dir / "shallow").exists()
    tracking = f"refs/remotes/{remote}/{name}"
    missing = bool(name) and git.maybe("rev-parse", "--verify", "--quiet", tracking) is None
    if shallow or missing:
        flags = ["--no-tags", "--no-recurse-submodules", "--no-auto-gc", "--no-write-fetch-head", *(["--unshallow"] if shallow else [])]
        try:
            git.run("fetch", *flags, remote, *([f"+refs/heads/{name}:{tracking}"] if name else []))
        except GitError as error:
            raise Error(f"the history cannot be fetched from `{remote}`: {error.message}", f"see that `git fetch {remote}` works") from None
    if missing and not branch and git.maybe("rev-parse", "--verify", "--quiet", f"refs/remotes/{remote}/HEAD") is None:
        git.run("symbolic-ref", f"refs/remotes/{remote}/HEAD", tracking)
    transfer.fetch(git, remote, sync.partial(settings), lambda phase, done, total: None)
    lag.asked(git, remote)
    return remote


def _default(git: Git, remote: str) -> str:
    """The branch that the remote's HEAD names; empty when it cannot be asked or names none."""
    known = git.maybe("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD")
    if known:
        return known.removeprefix(f"refs/remotes/{remote}/")
    answer = git.maybe("ls-remote", "--symref", remote, "HEAD") or ""
    first = answer.split("\n", 1)[0].split()
    return first[1].removeprefix("refs/heads/") if len(first) == 3 and first[0] == "ref:" else ""
