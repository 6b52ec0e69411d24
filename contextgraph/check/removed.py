"""Most of what came with an irreversible or high-risk decision goes away: its code lines, neither moved nor edited."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from contextgraph import filekind
from contextgraph.check import code
from contextgraph.check.bound import Bound
from contextgraph.check.case import LARGE, Case, quoted
from contextgraph.check.change import FileDiff
from contextgraph.check.finding import Finding, make
from contextgraph.check.wording import names, telling
from contextgraph.errors import GitError
from contextgraph.status import undoing

MOST = 3
"""Findings of this rule in one check, the largest shares first: it is advice."""
BLAMED = 8
"""Files that are blamed, at a tenth of a second and more each; further ones are not looked at."""
LEAST = 0.3
"""Share of the telling lines that came with the decision which must go: less is upkeep."""
HALF, FEWEST = 0.5, 3
"""The share, and how many lines, where the decision's commit was an edit: later edits follow each other over the same lines."""
STAYS = 0.6
"""Share of a removed line's words in the added lines of its file from which the line was edited and did not go."""
_HEADER = re.compile(rb"([0-9a-f]{40}(?:[0-9a-f]{24})?) \d+ (\d+)")
_COMMENT = ("#", "//", "/*", "*", "--", ";", '"""', "'''")
"""What a line of an older diff begins with that is hardly code; there the whole file is not at hand."""
Lines = list[tuple[int, str]]


class Made(NamedTuple):
    """The telling lines of code that a commit added, and whether it took none away."""

    lines: set[str]
    only_added: bool

    def enough(self, went: set[str]) -> bool:
        least = LEAST * len(self.lines) if self.only_added else max(FEWEST, HALF * len(self.lines))
        return bool(went) and len(went) >= least


def check(case: Case) -> Iterator[Finding]:
    """A finding for each such decision of whose lines the range removes a good part."""
    weighty = [each for each in case.precedents.in_force if each.decision.reversible is False or each.decision.risk == "high"]
    shrunk = [path for path, file in case.change.files.items() if file.removed and _is_work(path)] if weighty else []
    near = {name for path in shrunk for name in (path, case.change.files[path].old_path)}
    near |= {path.rpartition("/")[2] for path in near}
    weighty = [each for each in weighty if _concerns(each, near) and not case.cites(each)]
    gone = {path: lines for path in shrunk if (lines := _gone(case, case.change.files[path]))} if weighty else {}
    if not gone or case.change.base is None or len(case.change.files) > LARGE:
        return
    texts = {words for lines in gone.values() for _, words in lines}
    near = {path.rpartition("/")[2] for path in gone} | {case.change.files[path].old_path.rpartition("/")[2] for path in gone}
    within = _made(case, weighty, near)
    made = _made(case, [each for each in weighty if within[each.commit].lines & texts])
    likely = [each for each in weighty if each.commit in made and made[each.commit].enough(made[each.commit].lines & texts)]
    wanted = set().union(*(made[each.commit].lines for each in likely))
    looked = [path for path, lines in gone.items() if any(words in wanted for _, words in lines)][:BLAMED]
    origin = {path: _blame(case, case.change.files[path].old_path, [number for number, _ in gone[path]]) for path in looked}
    found: list[tuple[float, Bound, dict[str, Lines]]] = []
    for bound in likely:
        under = {path: [each for each in gone[path] if _came_with(case, origin[path].get(each[0]), bound.commit)] for path in looked}
        went = {words for lines in under.values() for _, words in lines} & made[bound.commit].lines
        if made[bound.commit].enough(went):
            share = len(went) / len(made[bound.commit].lines)
            found.append((share, bound, {path: lines for path, lines in under.items() if lines}))
    for share, bound, under in sorted(found, key=lambda each: -each[0])[:MOST]:
        path = max(under, key=lambda each: len(under[each]))
        if (level := case.policy.level("removed", path)) != "off":
            yield _finding(case, bound, path, under, share, level)


def _made(case: Case, weighty: list[Bound], within: Iterable[str] = ()) -> dict[str, Made]:
    """What each of these decisions' commits added, a merge against its first parent; `within`: to files of these names."""
    parents = {bound.commit: case.precedents.parent(bound.commit) for bound in weighty}
    found = {sha: Made(set(), True) for sha in parents}
    for sha, lines in undoing.changes(case.git, parents.items(), within=within):
        telling_ones = [(sign, words) for path, sign, words in lines if telling(words) and _is_work(path)]
        added = {words for sign, words in telling_ones if sign == "+" and not words.startswith(_COMMENT)}
        found[sha] = Made(added, all(sign == "+" for sign, _ in telling_ones))
    return found


def _is_work(path: str) -> bool:
    """Whether a file holds what a decision is about: code, and not its tests."""
    return filekind.kind(path) == "code" and not filekind.is_test(path)


def _concerns(bound: Bound, near: set[str]) -> bool:
    """Whether the decision's commit touched one of these files, under this name or in another folder; or too many to say."""
    return any(path in near or path.rpartition("/")[2] in near or path.endswith("/*") for path in bound.paths)


def _came_with(case: Case, origin: str | None, commit: str) -> bool:
    """Whether a line's origin is the decision's commit, or was brought in by it when that is a merge."""
    landing = case.precedents.ledger.landing(origin) if origin else None
    return origin == commit or (landing is not None and landing[0] == commit)


def _gone(case: Case, file: FileDiff) -> Lines:
    """The telling lines of code that the range removes from a file, adds nowhere, and did not edit."""
    stripped = [(number, line.strip()) for number, line in file.removed]
    fitting = [(number, words) for number, words in stripped if telling(words) and case.change.added[words] < case.change.removed[words]]
    if not fitting:
        return []
    before = code.lines(file.old_path, case.change.before(file.path))
    real = [(number, words) for number, words in fitting if number > len(before) or before[number - 1].strip()]
    there = names("\n".join(line for _, line in file.added))
    return [each for each in real if not _stays(each[1], there)]


def _stays(line: str, there: set[str]) -> bool:
    """Whether the words of a removed line are in the added lines of its file: it was edited, or its numbers were."""
    own = {word for word in names(line) if not re.search(r"\d", word)}
    return len(own & there) >= STAYS * len(own)


def _blame(case: Case, path: str, numbers: list[int]) -> dict[int, str]:
    """The commit that each of these lines of base comes from; empty when git cannot say."""
    spans: list[list[int]] = []
    for number in numbers[:400]:
        if spans and number - spans[-1][1] <= 3:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    ranges = [part for first, last in spans for part in ("-L", f"{first},{last}")]
    try:
        answer = case.git.run("blame", "--porcelain", "-w", "-M", *ranges, case.change.base or "", "--", path)
    except GitError:  # the file is no text, or was something else at base
        return {}
    return {int(match[2]): match[1].decode() for line in answer.split(b"\n") if (match := _HEADER.match(line))}


def _finding(case: Case, bound: Bound, path: str, under: dict[str, Lines], share: float, level: str) -> Finding:
    decision = bound.decision
    kind = "irreversible" if decision.reversible is False else "high-risk"
    words = [words for _, words in under[path]]
    elsewhere = f" and {len(under) - 1} more file{'s' if len(under) > 2 else ''}" if len(under) > 1 else ""
    return make(
        "removed",
        level,
        (decision.id or "", path, *sorted({words for lines in under.values() for _, words in lines})),
        f"{share:.0%} of the code that came with the {kind} decision {quoted(decision.title)} goes away from {path}{elsewhere},"
        f" such as {quoted(words[0])}",
        f"the decision is in force in {bound.commit[:10]} and marked {kind}; `Supersedes: {decision.id}` says that it no longer holds",
        bound.precedent,
        tuple(words)[:3],
        case.change.toucher(path),
        path,
        _near(case, path, under[path][0][0]),
    )


def _near(case: Case, path: str, old: int) -> int | None:
    """A line of the new file near where an old one was; None when the file is gone."""
    file = case.change.files[path]
    if file.status == "D":
        return None
    shift = sum(1 for number, _ in file.added if number < old) - sum(1 for number, _ in file.removed if number < old)
    return max(1, old + shift)
