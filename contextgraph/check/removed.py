"""Lines that stand under an irreversible or high-risk decision and go away."""

import re
from collections.abc import Iterator

from contextgraph.check import files
from contextgraph.check.case import Case, quoted
from contextgraph.check.change import FileDiff
from contextgraph.check.finding import Finding, make
from contextgraph.check.precedents import Bound
from contextgraph.check.reverted import telling
from contextgraph.errors import GitError
from contextgraph.status import undoing

MOST = 5
"""Files that are blamed, at a tenth of a second and more each; further ones are not looked at."""
_HEADER = re.compile(rb"([0-9a-f]{40}(?:[0-9a-f]{24})?) \d+ (\d+)")


def check(case: Case) -> Iterator[Finding]:
    """A finding for each such decision and file of which the range removes telling lines."""
    weighty = [each for each in case.precedents.in_force if each.decision.reversible is False or each.decision.risk == "high"]
    gone = {path: _gone(case, file) for path, file in case.change.files.items() if file.removed and files.kind(path) == "code"}
    gone = {path: lines for path, lines in gone.items() if lines}
    near = {name for path in gone for name in (path, case.change.files[path].old_path)}
    near |= {path.rpartition("/")[2] for path in near}
    weighty = [each for each in weighty if _concerns(each, near) and not case.cites(each)]
    if not weighty or not gone or case.change.base is None:
        return
    parents = {bound.commit: case.precedents.parent(bound.commit) for bound in weighty}
    made = dict(undoing.changes(case.git, parents.items()))
    looked = 0
    for path, lines in gone.items():
        texts = {words for _, words in lines}
        likely = [each for each in weighty if any(sign == "+" and words in texts for _, sign, words in made.get(each.commit, ()))]
        if likely and looked < MOST:
            looked += 1
            origin = _blame(case, case.change.files[path].old_path, [number for number, _ in lines])
            for bound in likely:
                under = [(number, words) for number, words in lines if origin.get(number) == bound.commit]
                level = case.policy.level("removed", path)
                if under and level != "off":
                    yield _finding(case, bound, path, under, level)


def _concerns(bound: Bound, near: set[str]) -> bool:
    """Whether the decision's commit touched one of these files, under this name or in another folder; or too many to say."""
    return any(path in near or path.rpartition("/")[2] in near or path.endswith("/*") for path in bound.paths)


def _gone(case: Case, file: FileDiff) -> list[tuple[int, str]]:
    """The telling lines that the range removes from a file and adds nowhere."""
    stripped = ((number, line.strip()) for number, line in file.removed)
    return [(number, words) for number, words in stripped if telling(words) and case.change.added[words] < case.change.removed[words]]


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


def _finding(case: Case, bound: Bound, path: str, under: list[tuple[int, str]], level: str) -> Finding:
    decision = bound.decision
    kind = "irreversible" if decision.reversible is False else "high-risk"
    count, away = (f"{len(under)} lines", "go away") if len(under) > 1 else ("a line", "goes away")
    return make(
        "removed",
        level,
        (decision.id or "", path, *sorted({words for _, words in under})),
        f"{count} of {path} that came with the {kind} decision {quoted(decision.title)} {away}, such as {quoted(under[0][1])}",
        f"the decision is in force in {bound.commit[:10]} and marked {kind}; `Supersedes: {decision.id}` says that it no longer holds",
        bound.precedent,
        tuple(words for _, words in under)[:3],
        case.change.toucher(path),
        path,
        _near(case, path, under[0][0]),
    )


def _near(case: Case, path: str, old: int) -> int | None:
    """A line of the new file near where an old one was; None when the file is gone."""
    file = case.change.files[path]
    if file.status == "D":
        return None
    shift = sum(1 for number, _ in file.added if number < old) - sum(1 for number, _ in file.removed if number < old)
    return max(1, old + shift)
