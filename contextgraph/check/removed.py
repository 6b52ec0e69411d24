"""Lines that stand under an irreversible or high-risk decision and go away."""

import re
from collections.abc import Iterator

from contextgraph.check import files
from contextgraph.check.case import Case, quoted
from contextgraph.check.change import FileDiff
from contextgraph.check.finding import Finding, make
from contextgraph.check.precedents import Bound
from contextgraph.check.wording import names, telling
from contextgraph.errors import GitError
from contextgraph.status import undoing

MOST = 5
"""Files that are blamed, at a tenth of a second and more each; further ones are not looked at."""
LEAST = 0.1
"""Share of the telling lines of the decision's commit that must go: one of three hundred is upkeep."""
EDITED = 0.6
"""Share of common words from which a removed line and an added one are one line that was edited."""
_HEADER = re.compile(rb"([0-9a-f]{40}(?:[0-9a-f]{24})?) \d+ (\d+)")


def check(case: Case) -> Iterator[Finding]:
    """A finding for each such decision and file of which the range removes telling lines."""
    weighty = [each for each in case.precedents.in_force if each.decision.reversible is False or each.decision.risk == "high"]
    shrunk = [path for path, file in case.change.files.items() if file.removed and files.kind(path) == "code"] if weighty else []
    near = {name for path in shrunk for name in (path, case.change.files[path].old_path)}
    near |= {path.rpartition("/")[2] for path in near}
    weighty = [each for each in weighty if _concerns(each, near) and not case.cites(each)]
    gone = {path: lines for path in shrunk if (lines := _gone(case, case.change.files[path]))} if weighty else {}
    if not gone or case.change.base is None:
        return
    parents = {bound.commit: case.precedents.parent(bound.commit) for bound in weighty}
    changes = undoing.changes(case.git, parents.items())
    made = {sha: {words for _, sign, words in lines if sign == "+" and telling(words)} for sha, lines in changes}
    looked = 0
    for path, lines in gone.items():
        texts = {words for _, words in lines}
        likely = [each for each in weighty if made.get(each.commit, set()) & texts]
        if likely and looked < MOST:
            looked += 1
            origin = _blame(case, case.change.files[path].old_path, [number for number, _ in lines])
            for bound in likely:
                under = [(number, words) for number, words in lines if _came_with(case, origin.get(number), bound.commit)]
                level = case.policy.level("removed", path)
                if not under or len(under) < LEAST * len(made[bound.commit]) or level == "off":
                    continue
                if under := _not_edited(under, case.change.files[path]):
                    yield _finding(case, bound, path, under, level)


def _concerns(bound: Bound, near: set[str]) -> bool:
    """Whether the decision's commit touched one of these files, under this name or in another folder; or too many to say."""
    return any(path in near or path.rpartition("/")[2] in near or path.endswith("/*") for path in bound.paths)


def _came_with(case: Case, origin: str | None, commit: str) -> bool:
    """Whether a line's origin is the decision's commit, or was brought in by it when that is a merge."""
    landing = case.precedents.ledger.landing(origin) if origin else None
    return origin == commit or (landing is not None and landing[0] == commit)


def _gone(case: Case, file: FileDiff) -> list[tuple[int, str]]:
    """The telling lines that the range removes from a file and adds nowhere."""
    stripped = ((number, line.strip()) for number, line in file.removed)
    return [(number, words) for number, words in stripped if telling(words) and case.change.added[words] < case.change.removed[words]]


def _not_edited(gone: list[tuple[int, str]], file: FileDiff) -> list[tuple[int, str]]:
    """Those of the removed lines that no added one of the file is an edited copy of."""
    added = [found for _, line in file.added if (found := names(line))] if len(file.added) <= 2_000 else []
    wanted = [(number, words, names(words)) for number, words in gone]
    return [(number, words) for number, words, own in wanted if not any(len(own & each) >= EDITED * len(own | each) for each in added)]


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
