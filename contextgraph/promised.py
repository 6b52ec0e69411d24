"""A partial clone has file contents only on demand, and git asks for them commit by commit: here for many at once."""

from collections.abc import Sequence

from contextgraph.errors import GitError
from contextgraph.git import Git


def bring(git: Git, asked: bytes, paths: Sequence[str]) -> None:
    """Fetch, in one request, what the diffs that `diff-tree --stdin` is `asked` for need and the clone does not have.

    Nothing is done in a clone that has everything. Raises GitError, which names the promisor, when it does not answer.
    """
    remote = promisor(git)
    if remote is None:
        return
    rows = git.run("diff-tree", "--stdin", "-r", "--root", "--no-renames", "--no-abbrev", "--", *paths, stdin=asked).splitlines()
    sides = [row.split(b" ", 4) for row in rows if row[:1] == b":"]
    wanted = {name for before, after, *names, _ in sides for mode, name in zip((before[1:], after), names, strict=True) if _file(mode)}
    # Of the ways to ask what is here only this one fetches nothing and need not list all that is.
    present = ("--objects", "--no-object-names", "--no-walk", "--ignore-missing", "--missing=allow-any")
    missing = sorted(wanted.difference(git.run("rev-list", *present, "--stdin", stdin=b"\n".join(wanted)).split()))
    if len(missing) < 2:  # one is no more than git asks for itself
        return
    # As git does it for one commit.
    options = ("--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-gc", "--filter=blob:none", "--refmap=")
    try:
        git.run(
            "-c",
            "fetch.negotiationAlgorithm=noop",
            "fetch",
            "--quiet",
            *options,
            "--stdin",
            "--",
            remote,
            stdin=b"\n".join(missing) + b"\n",
        )
    except GitError as error:
        raise GitError(f"what the promisor `{remote}` promised cannot be fetched: {error.message}") from None


def _file(mode: bytes) -> bool:
    return mode not in (b"000000", b"160000")


def promisor(git: Git) -> str | None:
    """The remote that a partial clone has its contents from; None for another clone, and one that was copied from a partial one."""
    if not any((git.common_dir / "objects" / "pack").glob("*.promisor")):
        return None
    rows = (git.maybe("config", "--type=bool", "--get-regexp", r"^remote\..*\.promisor$") or "").splitlines()
    names = [row.rsplit(" ", 1)[0] for row in rows if row.endswith(" true")]
    return names[0].removeprefix("remote.").removesuffix(".promisor") if names else None
