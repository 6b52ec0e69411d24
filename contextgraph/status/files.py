"""Which lines stand in the files of a commit, where these have moved as well; a few git processes for any number of commits."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from contextgraph.commits import text
from contextgraph.errors import GitError
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status.moves import Place, moved

Line = tuple[str, str]
"""(path, line without the white space around it)."""


class State(NamedTuple):
    """Which of some lines stand in their files, without those whose file is not there or cannot be read; {new path: old path} of the files
    that have moved, over each of their names."""

    stands: dict[Line, bool]
    moved: dict[str, str]


def states(database: Database, git: Git, asked: list[tuple[str, Collection[Line]]]) -> Iterator[State]:
    """For each (commit, lines) what is there."""
    places = {(commit, path) for commit, lines in asked for path in {path for path, _ in lines}}
    objects = _objects(git, places)
    names = moved(database, git, sorted(places - objects.keys()))
    there = _objects(git, {(commit, paths[-1]) for (commit, _), paths in names.items()})
    objects |= {(commit, old): here for (commit, old), paths in names.items() if (here := there.get((commit, paths[-1])))}
    wanted: dict[str, set[str]] = {}
    for commit, lines in asked:
        for path, words in lines:
            if name := objects.get((commit, path)):
                wanted.setdefault(name, set()).add(words)
    held = {name: lines_of(content) & wanted[name] for name, content in readable(git, list(wanted))}
    for commit, lines in asked:
        contents = ((line, objects.get((commit, line[0]))) for line in lines)
        went = {new: old for old in {path for path, _ in lines} for new in names.get((commit, old), ())}
        yield State({line: line[1] in held[name] for line, name in contents if name in held}, went)


def _objects(git: Git, places: Collection[Place]) -> dict[Place, str]:
    """The object at each place that has one."""
    asked = sorted(place for place in places if "\n" not in place[1])
    stdin = "".join(f"{commit}:{path}\n" for commit, path in asked).encode("utf-8", "surrogateescape")
    rows = git.text("cat-file", "--batch-check=%(objectname)", stdin=stdin).split("\n") if asked else []
    return {place: row for place, row in zip(asked, rows, strict=True) if " " not in row}  # else `NAME missing`


def readable(git: Git, names: list[str]) -> Iterator[tuple[str, bytes]]:
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


def lines_of(content: bytes) -> set[str]:
    """The lines of a file without the white space around them."""
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        lines = [text(line) for line in content.split(b"\n")]  # as `undoing` reads each line of a diff
    return {line.strip() for line in lines}
