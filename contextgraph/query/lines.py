"""Where a line comes from: through moves, copies, white space and reformatting to the commit that introduced it, and on
through every later change of the same line to what it is now."""

import difflib
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from contextgraph.errors import GitError, NotFoundError
from contextgraph.git import Git

STEPS = 4
"""Older versions of a line that are followed back; each costs two git processes."""
SIMILAR = 0.6
"""Likeness (difflib's ratio) from which a changed line is the same line in an older version."""
THROUGH = ["-w", "-M", "-C10"]
"""Through white space, moves and copies. -C10, because one line is under -C's default score of 40 (EVIDENCE, why PATH:LINE)."""
HEAD_OF_FILE = 8000
"""Bytes of a file in which git looks for a NUL to call it binary."""
IGNORED = ".git-blame-ignore-revs"
"""The file name that hosts honour without any setting."""


class Line(msgspec.Struct, frozen=True):
    """One line as blame knows it: the commit (zeros: not committed), where the line stood there, and the version before."""

    sha: str
    path: str
    number: int
    text: str
    before: tuple[str, str] | None = None

    @property
    def committed(self) -> bool:
        return self.sha.strip("0") != ""


class Touched(msgspec.Struct, frozen=True):
    """A commit in the life of a line, and what it did to it."""

    sha: str
    how: str


def life(
    git: Git,
    path: str,
    number: int,
    ignore: list[str],
    revision: str | None = None,
    undone: Callable[[str], str | None] = lambda sha: None,
) -> list[Touched]:
    """The commits that made a line what it is, the one that introduced it first; none for a line that is not committed.

    `undone` names the revert that a commit took back, if it did: the line was there before that.
    """
    through = [*THROUGH, *ignore]
    origin = blame(git, path, number, number, through, revision)[0]
    if not origin.committed:
        return []
    exact = [blame(git, path, number, number, flags, revision)[0] for flags in (["-w", *ignore], ignore)]
    for each in exact:  # to -w a blank line is like any other, and it may name one that came later
        if each.committed and each.sha != origin.sha and git.maybe("merge-base", "--is-ancestor", each.sha, origin.sha) is not None:
            origin = each
    found: list[Touched] = []
    for each, how in zip(exact, ("moved it or what stands around it", "changed its white space"), strict=True):
        if each.committed:
            found.append(Touched(each.sha, how))
    while (reverter := undone(origin.sha)) and (before := _same_line(git, origin, f"{reverter}^1", through)):
        found.insert(0, Touched(origin.sha, "brought it back"))
        origin = before
    older = [Touched(each.sha, "changed it") for each in reversed(list(_older(git, origin, through)))]
    first: dict[str, Touched] = {}
    for touched in (*older, Touched(origin.sha, "changed it" if older else "introduced it"), *found):
        first.setdefault(touched.sha, touched)
    return list(first.values())


def _same_line(git: Git, line: Line, revision: str, flags: list[str]) -> Line | None:
    """The line with the same words in an older version of its file, the nearest of several."""
    content = git.maybe("cat-file", "blob", f"{revision}:{line.path}")
    rows = enumerate((content or "").split("\n"), 1)
    same = [number for number, text in rows if content is not None and text.strip() == line.text.strip()]
    if not same:
        return None
    number = min(same, key=lambda each: abs(each - line.number))
    try:
        return blame(git, line.path, number, number, flags, revision)[0]
    except NotFoundError:  # the empty text after the last line feed
        return None


def blame(git: Git, path: str, first: int, last: int, flags: list[str], revision: str | None = None) -> list[Line]:
    """Who is to be thanked for each line. Raises NotFoundError for a line past the end."""
    try:
        at = [revision] if revision else []
        return list(_parse(git.run("blame", "--line-porcelain", *flags, "-L", f"{first},{last}", *at, "--", path)))
    except GitError as error:
        if counted := re.search(r"has only (\d+) lines?", error.message):
            size = f"has {counted[1]} line{'' if counted[1] == '1' else 's'}" if int(counted[1]) else "is empty"
            raise NotFoundError(f"{path} {size}; line {first} is past the end") from None
        raise NotFoundError(f"{path} cannot be asked about by line: {error.message}", "ask about the path alone") from None


def is_binary(git: Git, path: str, revision: str | None) -> bool:
    """Whether git takes a file for binary. What only looks so in the work tree (UTF-16, say) may be text to git."""
    if revision is None:
        with suppress(OSError), (git.directory / path).open("rb") as file:
            if b"\0" not in file.read(HEAD_OF_FILE):
                return False
    try:
        content = next(git.bounded([f"{revision or ''}:{path}"], 1 << 26))
    except GitError:  # promised by a remote that does not answer: blame will say it
        return False
    return isinstance(content, int) or (content is not None and b"\0" in content[:HEAD_OF_FILE])


def _parse(answer: bytes) -> Iterator[Line]:
    header = re.compile(r"([0-9a-f]{40}(?:[0-9a-f]{24})?) (\d+) \d+")
    sha, number, path, before = "", 0, "", None
    for row in answer.decode("utf-8", "surrogateescape").split("\n"):
        if row.startswith("\t"):
            yield Line(sha, path, number, row[1:], before)
            before = None
        elif match := header.match(row):
            sha, number = match[1], int(match[2])
        elif row.startswith("filename "):
            path = _unquoted(row.removeprefix("filename "))
        elif row.startswith("previous "):
            _, commit, name = row.split(" ", 2)
            before = (commit, _unquoted(name))


def _unquoted(name: str) -> str:
    """A path as git quotes it in porcelain: C escapes between double quotes, when it has any."""
    if not name.startswith('"'):
        return name
    return name[1:-1].encode("latin-1", "replace").decode("unicode_escape").encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def _older(git: Git, line: Line, flags: list[str]) -> Iterator[Line]:
    """The versions of the line before the one that `line` introduced, newest first, while each is much like the next."""
    for _ in range(STEPS):
        if line.before is None:
            return
        commit, path = line.before
        number = _line_before(git, f"{commit}:{path}", f"{line.sha}:{line.path}", line.number, line.text)
        if number is None:
            return
        line = blame(git, path, number, number, flags, commit)[0]
        yield line


def _line_before(git: Git, old: str, new: str, number: int, text: str) -> int | None:
    """The line of `old` that became line `number` of `new`: the most similar one that the same hunk took away."""
    try:
        diff = git.run("diff", "--no-color", "--no-ext-diff", "--no-textconv", "-U0", old, new)
    except GitError:
        return None
    best: tuple[float, int] | None = None
    inside, at = False, 0
    for row in diff.decode("utf-8", "surrogateescape").split("\n"):
        if hunk := re.match(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", row):
            start, size = int(hunk[3]), int(hunk[4] or 1)
            inside, at = start <= number < start + size, int(hunk[1])
        elif inside and row.startswith("-"):
            likeness = difflib.SequenceMatcher(None, row[1:].strip(), text.strip(), autojunk=False).ratio()
            best = max(best or (0.0, 0), (likeness, at))
            at += 1
    return best[1] if best and best[0] >= SIMILAR else None


def ignored(git: Git) -> tuple[list[str], list[str]]:
    """Flags for the commits that the project wants blame to look through, and what was wrong with its lists, in words.

    A missing file or a short sha in one is fatal to `git blame`; here it is left out and said.
    """
    names = (git.maybe("config", "--path", "--get-all", "blame.ignoreRevsFile") or "").split("\n")
    names = names[len(names) - names[::-1].index("") :] if "" in names else names  # an empty one takes back those before it
    files = [git.directory / name for name in names]
    files += [git.top / IGNORED] if git.top and (git.top / IGNORED).is_file() and git.top / IGNORED not in files else []
    shas: dict[str, Path] = {}
    problems: list[str] = []
    for file in files:
        try:
            rows = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        except OSError as error:
            problems.append(f"{file}, a list of commits that blame ignores, cannot be read: {(error.strerror or '').lower()}")
            continue
        for row, line in enumerate(rows, 1):
            word = line.partition("#")[0].strip()
            if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", word.lower()):
                shas[word.lower()] = file
            elif word:
                problems.append(f"{file.name}, line {row}: `{word[:40]}` is not a full sha and was left out")
    asked = "".join(f"{sha}\n" for sha in shas).encode()
    answer = git.run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked).decode() if shas else ""
    here = [row.split()[0] for row in answer.splitlines() if row.endswith(" commit")]
    # Git reads a list of its settings before it would clear it: where one is missing, nothing else keeps it from that.
    return ["--no-ignore-revs-file", *(flag for sha in here for flag in ("--ignore-rev", sha))], problems
