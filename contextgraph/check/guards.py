"""Declared guards: added code that a decision, or the policy file, rules out by a pattern.

Patterns are somebody's text, so they run in an engine whose time is linear in the line (RE2): none of them can hang a build.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from contextgraph import filekind
from contextgraph.check import code, files
from contextgraph.check.bound import Bound, one_line
from contextgraph.check.case import Case, quoted
from contextgraph.check.change import Change
from contextgraph.check.finding import Finding, Precedent, make
from contextgraph.check.policy import split_guard

LONGEST = 4_000
"""Characters of a line that a pattern is tried on; a longer line was generated."""


class Guard(msgspec.Struct, frozen=True):
    """`bound` is None for a line of the policy file. `may_fail`: it stands where everybody on the target branch sees it."""

    glob: str
    pattern: str
    bound: Bound | None = None

    @property
    def may_fail(self) -> bool:
        return self.bound is None or self.bound.declared


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """The pattern in the linear-time engine, or its words for why it cannot be read there."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 22
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        return str(error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else error)


def guards(case: Case) -> Iterator[Guard]:
    """Every guard that holds here and can be read: of the policy, of decisions in force on the target branch."""
    yield from (Guard(glob, pattern) for glob, pattern in case.policy.guards)
    for bound in case.precedents.in_force:
        for entry in bound.decision.guard:
            found = split_guard(entry)
            if found is not None:
                yield Guard(*found, bound)


def unreadable(text: str) -> str | None:
    """Why a guard has no effect; None when it can be read."""
    found = split_guard(text)
    if found is None:
        return "it is not of the form `GLOB: RE`"
    engine = compiled(found[1])
    return engine if isinstance(engine, str) else None


def check(case: Case) -> Iterator[Finding]:
    """A finding for each guard and file: the added lines that match and were not just moved there."""
    for guard in guards(case):
        engine = compiled(guard.pattern)
        if isinstance(engine, str) or (guard.bound is not None and case.cites(guard.bound)):
            continue
        for path in sorted(case.change.files):
            if _concerns(guard, path):
                yield from _in_file(case, guard, engine, path)


def _concerns(guard: Guard, path: str) -> bool:
    """Prose and generated files only when the guard itself names that kind of file."""
    if not files.matches(guard.glob, path):
        return False
    kind = filekind.kind(path)
    if kind == "ours":
        return False
    extension = path.rpartition(".")[2]
    return kind == "code" or guard.glob == path or (guard.glob.endswith(f".{extension}") and "." in path)


def _in_file(case: Case, guard: Guard, engine: Any, path: str) -> Iterator[Finding]:
    change = case.change
    level = case.policy.level("guard", path)
    if level == "off":
        return
    if level == "error" and not guard.may_fail:
        level = "warning"
    comments = any(marker in guard.pattern for marker in code.MARKERS.get(code.family(path), ())) or filekind.kind(path) == "prose"
    hits: list[tuple[int, str, str]] = []
    for number, line in change.files[path].added if _anywhere(guard.pattern, change, path) else ():
        if not engine.search(line[:LONGEST]):
            continue
        seen = line if comments else change.code_line(path, number, line)
        match = engine.search(seen[:LONGEST])
        if match and not _moved(case, guard, engine, line):
            hits.append((number, line, match.group(0) or match.re.pattern))
    if hits:
        yield _finding(case, guard, path, hits, level)


def _anywhere(pattern: str, change: Change, path: str) -> bool:
    """Whether the pattern can match an added line of the file: asked once of all lines together, as lines of one text.

    Sound, because what matches a line matches it there too; `\\A` and `\\z` would not, so they are not asked.
    """
    if re.search(r"\\[AzZC]", pattern):
        return True
    engine = compiled(f"(?m:{pattern})" if not pattern.startswith("(?") else f"(?m){pattern}")
    return isinstance(engine, str) or engine.search("\n".join(line[:LONGEST] for _, line in change.files[path].added)) is not None


def _moved(case: Case, guard: Guard, engine: Any, line: str) -> bool:
    """Whether the same line goes away elsewhere in the guard's scope: it was there before, and is only moved."""
    words = line.strip()
    gone = sum(
        words == each.strip() for file in case.change.files.values() if files.matches(guard.glob, file.old_path) for _, each in file.removed
    )
    return gone > 0 and gone >= case.change.added[words]


def _finding(case: Case, guard: Guard, path: str, hits: list[tuple[int, str, str]], level: str) -> Finding:
    number, line, words = hits[0]
    count = "" if len(hits) == 1 else f" (and {len(hits) - 1} more line{'s' if len(hits) > 2 else ''} of this file)"
    bound = guard.bound
    if bound is None:
        says, source = "which the policy file rules out", "the guard stands in .contextgraph.toml"
        precedent = Precedent(status="policy", title=f"{guard.glob}: {guard.pattern}")
    else:
        says = f"which the decision {quoted(bound.decision.title)} rules out"
        where = f"in commit {bound.commit[:10]} on {case.branch}" if bound.declared else "in a note alone, so it warns and cannot fail"
        source = f"the guard stands {where}"
        precedent = bound.precedent
    because = f"; its reason: {one_line(bound.decision.reasoning)}" if bound and bound.decision.reasoning else ""
    return make(
        "guard",
        level,
        (bound.decision.id or "" if bound else "policy", guard.pattern, path, *sorted({each.strip() for _, each, _ in hits})),
        f"{quoted(line)} matches `{guard.pattern}`, {says}{count}",
        f"{source}, and `{guard.glob}` covers {path}{because}",
        precedent,
        tuple(dict.fromkeys(each for _, _, each in hits))[:5] or (words,),
        case.change.owner(path, line),
        path,
        number,
    )
