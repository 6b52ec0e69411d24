"""Which lines stand in the files of a commit; two git processes for any number of commits."""

from collections.abc import Collection, Iterator

from contextgraph.commits import text
from contextgraph.errors import GitError
from contextgraph.git import Git

Line = tuple[str, str]
"""(path, line without the white space around it)."""


def states(git: Git, asked: list[tuple[str, Collection[Line]]]) -> Iterator[dict[Line, bool]]:
    """For each (commit, lines) which of them stand in their files there; without those whose file is not, or cannot be read."""
    names = sorted({f"{commit}:{path}" for commit, lines in asked for path, _ in lines if "\n" not in path})
    stdin = "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")
    rows = git.text("cat-file", "--batch-check=%(objectname)", stdin=stdin).split("\n") if names else []
    objects = {name: row for name, row in zip(names, rows, strict=True) if " " not in row}  # else `NAME missing`
    wanted: dict[str, set[str]] = {}
    for commit, lines in asked:
        for path, words in lines:
            if name := objects.get(f"{commit}:{path}"):
                wanted.setdefault(name, set()).add(words)
    held = {name: _lines(content) & wanted[name] for name, content in _readable(git, list(wanted))}
    for commit, lines in asked:
        places = ((line, objects.get(f"{commit}:{line[0]}")) for line in lines)
        yield {line: line[1] in held[name] for line, name in places if name in held}


def _readable(git: Git, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """The content of each object, without those that are lost or damaged: git stops at these, and is asked for the rest again."""
    while names:
        done = 0
        try:
            for content in git.objects(names):
                if content is not None:
                    yield names[done], content
                done += 1
        except GitError as error:
            if "promisor" in error.message:
                raise
        names = names[done + 1 :]


def _lines(content: bytes) -> set[str]:
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        lines = [text(line) for line in content.split(b"\n")]  # as `undoing` reads each line of a diff
    return {line.strip() for line in lines}
