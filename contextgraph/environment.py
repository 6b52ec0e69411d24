"""The surroundings that git runs in: what of the environment is let through, which settings are fixed, where a repository is."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from contextgraph.errors import Error, GitError, NotFoundError

# `git rev-parse --local-env-vars`, less what carries the user's own `git -c` settings (GIT_CONFIG_*): in a hook these point
# at the repository of the hook, and `git -C other` then answers for the wrong one. The author of the commit being made must
# not leak into notes either, and with GIT_PAGER_IN_USE git would colour what we parse.
_LOCAL = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_CONFIG GIT_OBJECT_DIRECTORY GIT_DIR GIT_WORK_TREE GIT_IMPLICIT_WORK_TREE GIT_GRAFT_FILE "
    "GIT_INDEX_FILE GIT_NO_REPLACE_OBJECTS GIT_REPLACE_REF_BASE GIT_PREFIX GIT_SHALLOW_FILE GIT_COMMON_DIR GIT_INTERNAL_SUPER_PREFIX "
    "GIT_LITERAL_PATHSPECS GIT_GLOB_PATHSPECS GIT_NOGLOB_PATHSPECS GIT_ICASE_PATHSPECS GIT_QUARANTINE_PATH "
    "GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_AUTHOR_DATE GIT_COMMITTER_DATE GIT_PAGER_IN_USE "
    "GIT_EXTERNAL_DIFF GIT_DIFF_OPTS GIT_NOTES_REF GIT_NOTES_DISPLAY_REF GIT_REFLOG_ACTION"
).split()
# Settings of the user that would change what we parse; tests/test_commits.py sets them the other way.
FIXED = [
    word
    for setting in (
        "log.showSignature=false log.showRoot=true i18n.logOutputEncoding=UTF-8 core.quotePath=true "
        "diff.orderFile=/dev/null diff.ignoreSubmodules=none color.ui=never color.diff=never"
    ).split()
    for word in ("-c", setting)
]
_QUESTIONS = ("--git-dir", "--git-common-dir", "--show-object-format", "--is-bare-repository", "--show-prefix", "--show-toplevel")


def without_repository(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment less everything that ties git to one repository, index or commit, as a hook sets it."""
    return {name: value for name, value in environment.items() if name not in _LOCAL}


def resolve(directory: Path, environment: Mapping[str, str]) -> list[str]:
    """What git says of the repository that `directory` is in: git directory, common directory, object format, whether bare
    (`true`, `false`), the way from the top to `directory` (empty, or with a slash at its end), and the top of the work tree where
    there is one.

    Raises NotFoundError when there is no repository, GitError for anything else.
    """
    if not directory.is_dir():
        raise NotFoundError(f"there is no directory {directory}")
    lines, words = _ask(directory, environment, _QUESTIONS)
    # Without a work tree the last question fails after the other answers are out.
    if len(lines) > (5 if words else 6):  # a line feed in the name of a directory: one question at a time
        lines = ["\n".join(found) for each in _QUESTIONS if (found := _ask(directory, environment, [each])[0])]
    if len(lines) >= 5:
        return lines
    if "not a git repository" in words:
        raise NotFoundError(f"{directory} is not in a git repository", "change into one, or name one with -C")
    raise GitError(f"git does not open the repository at {directory}: {last(words)}", _unsafe_hint(words))


def _ask(directory: Path, environment: Mapping[str, str], questions: Sequence[str]) -> tuple[list[str], str]:
    """The lines that `git rev-parse` answers, and its words if it failed. Raises Error when git cannot be started."""
    command = ["git", "rev-parse", "--path-format=absolute", *questions]
    try:
        done = subprocess.run(command, cwd=directory, env={**environment, "LC_ALL": "C"}, capture_output=True, check=False)
    except FileNotFoundError:
        raise Error("git is not installed, or not on PATH", "install git 2.38 or later") from None
    except OSError as error:
        raise Error(f"{directory} cannot be entered: {error.strerror}") from None
    words = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
    return done.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1], words if done.returncode else ""


def last(words: str) -> str:
    """Git's own words on one line: what it calls an error, without that prefix; else the last that it said."""
    lines = [line.strip() for line in words.splitlines() if line.strip() and not line.startswith("hint:")]
    faults = [line.partition(": ")[2] for line in lines if line.startswith(("fatal: ", "error: "))]
    return "; ".join((faults or lines)[-3:])


def _unsafe_hint(words: str) -> str | None:
    return "it belongs to another user: see `git config --global --add safe.directory`" if "dubious ownership" in words else None
