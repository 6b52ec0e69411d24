"""Which lines stand in the files of a commit; two git processes for any number of commits."""

from collections.abc import Collection, Iterator

from contextgraph.commits import text
from contextgraph.git import Git

Line = tuple[str, str]
"""(path, line without the white space around it)."""


def states(git: Git, asked: list[tuple[str, Collection[Line]]]) -> Iterator[dict[Line, bool]]:
    """For each (commit, lines) which of them stand in their files there; without those whose file is not."""
    names = sorted({f"{commit}:{path}" for commit, lines in asked for path, _ in lines if "\n" not in path})
    stdin = "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")
    rows = git.text("cat-file", "--batch-check=%(objectname)", stdin=stdin).split("\n") if names else []
    objects = {name: row for name, row in zip(names, rows, strict=True) if " " not in row}  # else `NAME missing`
    wanted: dict[str, set[str]] = {}
    for commit, lines in asked:
        for path, words in lines:
            if name := objects.get(f"{commit}:{path}"):
                wanted.setdefault(name, set()).add(words)
    held = {name: _lines(content) & wanted[name] for name, content in zip(wanted, git.objects(wanted), strict=True)}
    for commit, lines in asked:
        places = ((line, objects.get(f"{commit}:{line[0]}")) for line in lines)
        yield {line: line[1] in held[name] for line, name in places if name}


def _lines(content: bytes | None) -> set[str]:
    try:
        lines = (content or b"").decode("utf-8").split("\n")
    except UnicodeDecodeError:
        lines = [text(line) for line in (content or b"").split(b"\n")]  # as `undoing` reads each line of a diff
    return {line.strip() for line in lines}
