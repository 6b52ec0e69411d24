"""Fetch and push of the notes ref, with progress, and git's many words for failure as one clear sentence each.

GitPython starts git and parses its progress here. Only its command layer is used: its `Remote` writes over the user's
FETCH_HEAD, and its object and reference layers cannot open sha256 and reftable repositories.
"""

import re
from collections.abc import Callable

from contextgraph.errors import Error
from contextgraph.git import NOTES_REF, Git
from contextgraph.refs import TRACKING

Progress = Callable[[str, int, int | None], None]
"""Told the phase, how many are done, and of how many (None: unknown)."""


class RejectedError(Error):
    """The remote's ref has moved since it was fetched: fetch, merge and try again."""


def tracking(remote: str) -> str:
    """The ref that holds the notes of a remote as they were last seen."""
    return f"{TRACKING}{remote}/contextgraph"


def refspec(remote: str) -> str:
    """What brings a remote's notes here without touching ours. The wildcard: a remote without notes is no error."""
    return f"+refs/notes/contextgraph*:{TRACKING}{remote}/contextgraph*"


def fetch(git: Git, remote: str, partial: bool, progress: Progress) -> None:
    """Bring the remote's notes into its tracking ref; in a partial clone their text as well. Raises Error."""
    fixed = ["--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-prune", "--no-auto-gc", "--refmap="]
    command = ["fetch", "--progress", *fixed, *(["--no-filter"] if partial else []), remote, refspec(remote)]
    words = _run(git, command, progress)
    if words is not None:
        raise _failure(f"the notes of `{remote}` cannot be fetched", remote, words)


def push(git: Git, remote: str, commit: str, progress: Progress, lease: str | None = None) -> None:
    """Give the remote this notes commit, without force; `lease` (the one exception, a purge) overwrites exactly that commit.

    The user's pre-push hook is not run: it guards branches, and one that calls us would never end. Raises RejectedError, Error.
    """
    fixed = ["--porcelain", "--progress", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"]
    force = [f"--force-with-lease={NOTES_REF}:{lease}"] if lease is not None else []
    command = ["-c", f"remote.{remote}.mirror=false", "push", *fixed, *force, remote, f"{commit}:{NOTES_REF}"]
    words = _run(git, command, progress)
    if words is None:
        return
    if re.search(r"\[rejected\]|\[remote rejected\].*(cannot lock ref|failed to update ref|already exists|non-fast-forward)", words):
        if "non-fast-forward" in words and "[remote rejected]" in words and lease is not None:
            raise Error(f"`{remote}` does not let anybody rewrite a ref: what was purged is still in its history", "ask its administrator")
        raise RejectedError(f"the notes of `{remote}` have moved while ours were on the way", "repeat the command")
    raise _failure(f"the notes cannot be pushed to `{remote}`", remote, words)


def _run(git: Git, command: list[str], progress: Progress) -> str | None:
    """Run git; None when it succeeds, else all of its words."""
    import git as gitpython
    from git.cmd import handle_process_output

    names = {
        getattr(gitpython.RemoteProgress, name): name.lower() for name in ("COUNTING", "COMPRESSING", "WRITING", "RECEIVING", "RESOLVING")
    }

    class Watch(gitpython.RemoteProgress):  # type: ignore[misc]
        def update(self, op_code: int, cur_count: float | str, max_count: float | str | None = None, message: str = "") -> None:
            phase = names.get(op_code & self.OP_MASK)
            if phase:
                progress(f"{phase} objects", int(float(cur_count)), int(float(max_count)) if max_count else None)

    follow = Watch().new_message_handler()
    words: list[str] = []

    def heard(line: str) -> None:
        words.append(line)
        follow(line)

    runner = gitpython.Git(str(git.directory))
    process = runner.execute(["git", *command], as_process=True, env=git.environment, universal_newlines=True)
    try:
        handle_process_output(process, words.append, heard, decode_streams=False)
        process.wait()
    except gitpython.GitCommandError as error:
        return "\n".join([*words, str(error.stderr)])
    return None


_FAILURES = (
    (
        r"Authentication failed|could not read (Username|Password)|terminal prompts disabled|Permission denied \(|Host key verification"
        r"|HTTP Basic: Access denied|returned error: 40[13]\b.*info/refs|Invalid username or password",
        "it did not accept who you are",
        "see that `git fetch {remote}` works; your own credentials are used",
    ),
    (
        r"Could not resolve host|Connection (refused|timed out|reset)|Network is unreachable|Operation timed out|No route to host"
        r"|Failed to connect|Could not connect|unable to access|early EOF|hung up unexpectedly",
        "it cannot be reached",
        "nothing is lost: `cg sync` again when it can be",
    ),
    (
        r"does not appear to be a git repository|[Rr]epository .*not found|does not exist|No such file or directory",
        "there is no repository at its address",
        "see `git remote get-url {remote}`",
    ),
    (
        r"[Rr]ead-only|insufficient permission|[Pp]ermission .*denied|unpacker error|not allowed|hook declined|protected"
        r"|returned error: 403|remote rejected|prohibited|access denied|unable to create temporary",
        "it takes nothing from you (read-only, or a rule of its own)",
        "what is here is kept; `cg sync {remote} --fetch-only` still brings theirs",
    ),
)


def _failure(what: str, remote: str, words: str) -> Error:
    """One sentence, and git's last word for what none of the known faults is."""
    for pattern, why, hint in _FAILURES:
        if re.search(pattern, words):
            return Error(f"{what}: {why}", hint.format(remote=remote))
    said = [line.strip() for line in words.splitlines() if re.match(r"(fatal|error|remote: (error|fatal)|!)", line.strip())]
    return Error(f"{what}: {said[0] if said else 'git failed'}", f"`git fetch {remote}` may say more")
