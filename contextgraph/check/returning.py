"""Changes that were reverted and of which at least half of the added lines come back, in the same file or another."""

import re
from collections import Counter
from collections.abc import Iterator

from contextgraph import filekind
from contextgraph.check.bound import Undone
from contextgraph.check.case import Case, quoted
from contextgraph.check.finding import Finding, make
from contextgraph.check.reverted import cited, how, pairs, precedent
from contextgraph.check.wording import parts, telling
from contextgraph.status import undoing

HALF = 0.5
"""Share of the added lines of a reverted change from which its return is told."""
FEWEST = 3
"""Telling lines that must return; fewer come back by chance."""
MOST = 400
"""Reverted changes whose lines are read: those that share a file with the range, the latest first."""
FLOATING = 4
"""Telling lines that must return when they do so in another file."""
_ANEW = re.compile(
    r"\b(?:re-[a-z]{3,}|re(?:add|apply|enable|introduce|instate|land|do)\w*|again|take \w+|(?:second|third) attempt)\b", re.I
)


def check(case: Case, reported: set[str]) -> Iterator[Finding]:
    """Reverted changes of which at least half of the added lines are added again; those `reported` as exact left out."""
    there = {file.path: {line.strip() for _, line in file.added} for file in case.change.files.values() if file.added}
    if not there or case.policy.level("returning") == "off":
        return
    names = {path.rpartition("/")[2] for path in there} | set(there)
    candidates = [each for each in case.precedents.undone if not each.of_revert and each.sha not in reported]
    paths = case.precedents.undone_paths
    near = [each for each in candidates if any(path in names or path.rpartition("/")[2] in names for path in paths[each.sha])]
    others = [each for each in candidates if each not in near and paths[each.sha]]
    looked = [*near[-MOST:], *(others[-MOST // 4 :] if any(len(lines) >= FLOATING for lines in there.values()) else [])]
    lines = dict(undoing.changes(case.git, pairs(case, [each.sha for each in looked]))) if looked else {}
    best: dict[str, tuple[float, Undone, list[tuple[str, str]]]] = {}
    for each in looked:
        back, share = _share(case, lines.get(each.sha, Counter()), there)
        if share >= HALF and (each.by not in best or share > best[each.by][0]):
            best[each.by] = (share, each, back)
    for share, each, back in best.values():
        if not cited(case, each) and not _announced(case, each):
            yield from _returning(case, share, each, back)


def _share(case: Case, lines: Counter[undoing.Change], there: dict[str, set[str]]) -> tuple[list[tuple[str, str]], float]:
    """The (path, line) that return, each line once, and what share of the telling lines that the change added they are."""
    old: dict[str, set[str]] = {}
    for path, sign, words in lines:
        if sign == "+" and telling(words):
            old.setdefault(words, set()).add(path)
    if len(old) < FEWEST:
        return [], 0.0
    back: list[tuple[str, str]] = []
    floating = 0
    for words, paths in old.items():
        names = {path.rpartition("/")[2] for path in paths}
        where = next((each for each in there if words in there[each] and (each in paths or each.rpartition("/")[2] in names)), None)
        if where is None and any(filekind.kind(path) == "code" for path in paths):  # elsewhere, code comes back as code
            where = next((each for each in there if words in there[each] and filekind.kind(each) == "code"), None)
            floating += where is not None
        if where and case.change.removed[words] < case.change.added[words]:
            back.append((where, words))
    enough = len(back) >= (FLOATING if floating * 2 > len(back) else FEWEST)
    return back, len(back) / len(old) if enough else 0.0


def _announced(case: Case, each: Undone) -> bool:
    """Whether a title says, in words of its own, that this comes again: `Re-stabilize the layout` after `Stabilize the layout`."""
    old = parts(case.precedents.subject(each.sha))
    for commit in case.change.commits:
        new = parts(commit.subject)
        common = len(old & new)
        if _ANEW.search(commit.subject) and common >= 3 and common >= HALF * min(len(old), len(new)):
            return True
    return False


def _returning(case: Case, share: float, each: Undone, back: list[tuple[str, str]]) -> Iterator[Finding]:
    path = Counter(path for path, _ in back).most_common(1)[0][0]
    level = case.policy.level("returning", path)
    if level == "off":
        return
    first = next((number, line) for number, line in case.change.files[path].added if line.strip() in {words for _, words in back})
    yield make(
        "returning",
        level,
        (each.sha, each.by),
        f"{share:.0%} of the lines that {each.sha[:10]} {quoted(case.precedents.subject(each.sha))} added come back, and it was reverted",
        f"{how(case, each)}; {len(back)} of its lines are added again, and no message of the range cites the revert",
        precedent(case, each),
        tuple(words for where, words in back if where == path)[:3],
        case.change.owner(path, first[1]),
        path,
        first[0],
    )
