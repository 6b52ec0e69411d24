"""Rejected alternatives: added code that looks like what a decision in force ruled out.

Words cannot tell "use X" from "never use X", so only code is looked at, in windows of six added lines; names are split on
case and underscore, rare words weigh more, and what the file had before, or what was only moved, does not count.
"""

from collections.abc import Iterator
from functools import lru_cache

from contextgraph import filekind
from contextgraph.check import code
from contextgraph.check.alternatives import SCORE, Alternative, enough, find, stands_for
from contextgraph.check.case import LARGE, Case, quoted
from contextgraph.check.finding import Finding, make
from contextgraph.check.wording import NAMES, PARTS, names, stem
from contextgraph.commits import text

WINDOW = 6
"""Added lines that are looked at together (EVIDENCE: windows of six lines of code, precision 82 %)."""
RARE = 0.45
"""Least weight, of 1 for a word nobody ever used in a message here, of the heaviest word that matches."""
MOST = 3
"""Findings of this rule in one check: it is advice."""
ASKED = 12
"""Words that are looked for in the code at base (20 to 100 ms each); further ones count as known."""
READ = 20
"""Files in which a word is looked at closely; one that is in more is common."""


def check(case: Case) -> Iterator[Finding]:
    """The best window for each alternative, at most MOST of them, the best first."""
    if case.policy.level("rejected") == "off" and not case.policy.paths:
        return
    windows = _windows(case)
    if not windows:
        return
    here = {path: set().union(*(words for _, _, _, words in group)) for path, group in windows.items()}
    gone = names("\n".join(case.change.removed))
    before = Before(case)
    found: list[tuple[float, Alternative, Window, set[str]]] = []
    for alternative in find(case, set().union(*here.values())):
        paths = [path for path in windows if enough(alternative, here[path]) and alternative.bound.covers(path)]
        best = _best(case, alternative, [window for path in paths for window in windows[path]], gone, before)
        if best is not None:
            found.append(best)
    known: dict[str, bool] = {}
    told: set[str] = set()
    for _, alternative, window, matched in sorted(found, key=lambda each: -each[0]):
        level = case.policy.level("rejected", window[0])
        identity = alternative.bound.decision.id or ""
        if level != "off" and identity not in told and len(told) < MOST and _is_new(case, alternative.option, matched, known):
            told.add(identity)
            yield _finding(case, alternative, window, matched, level)


def _is_new(case: Case, option: str, matched: set[str], known: dict[str, bool]) -> bool:
    """Whether one of these words is in no code yet. Words that are all over the code tell nothing: on our own history, whose
    decisions are sentences, 14 of 14 findings without this were wrong."""
    for word in sorted(matched, key=len, reverse=True):
        if word not in known and len(known) < ASKED:
            spelled = {each for each in NAMES.findall(option) if stem(each.replace("_", "").lower()) == word}
            known[word] = _in_code(case, word, {word, *spelled})
        if not known.get(word, True):
            return True
    return False


def _in_code(case: Case, word: str, spelled: set[str]) -> bool:
    """Whether the code at base has the word, in a name or by itself; comments and docstrings do not count.

    `spelled`: as it may stand there; a name of several parts has lost its underscores in `word`, and would never be found.
    """
    if case.change.base is None:
        return False
    wanted = [part for each in sorted(spelled) for part in ("-e", each)]
    answer = case.git.run("grep", "-l", "-z", "-I", "-i", "-F", "--full-name", *wanted, case.change.base, accept=(0, 1))
    paths = [text(field).partition(":")[2] for field in answer.split(b"\0") if field]
    paths = [path for path in paths if filekind.kind(path) == "code"]
    if len(paths) > READ:
        return True
    contents = case.git.objects(f"{case.change.base}:{path}" for path in paths)
    return any(word in names("\n".join(code.lines(path, text(content or b"")))) for path, content in zip(paths, contents, strict=True))


class Before:
    """The words of files at base. All names of a large file take 50 ms to find, so they are looked for only where they can be."""

    def __init__(self, case: Case) -> None:
        self.flat = lru_cache(maxsize=None)(lambda path: case.change.before(path).replace("_", "").lower())
        self.names = lru_cache(maxsize=None)(lambda path: names(case.change.before(path)))

    def has(self, path: str, words: set[str]) -> bool:
        return all(word in self.flat(path) for word in words) and words <= self.names(path)


Window = tuple[str, int, str, set[str]]
"""(path, number of its first line, that line, the words of all its lines)."""


def _windows(case: Case) -> dict[str, list[Window]]:
    """Six added lines of code at a time, where they stand together; mass changes, prose and generated files left out."""
    chosen = [path for path, file in case.change.files.items() if file.added and filekind.kind(path) == "code"]
    if len(case.change.files) > LARGE or not chosen or not any(bound.decision.rejected for bound in case.precedents.in_force):
        return {}
    case.change.load(chosen)
    moved = {words for words, count in case.change.added.items() if case.change.removed[words] >= count}
    found: dict[str, list[Window]] = {}
    for path in chosen:
        lines = [
            (number, line, code.without_sentences(case.change.code_line(path, number, line)))
            for number, line in case.change.files[path].added
        ]
        kept = [(number, line, names(clean)) for number, line, clean in lines if clean.strip() and line.strip() not in moved]
        for position, (number, line, _) in enumerate(kept):
            near = [words for other, _, words in kept[position : position + WINDOW] if other - number < 2 * WINDOW]
            found.setdefault(path, []).append((path, number, line, set().union(*near)))
    return found


def _best(
    case: Case, alternative: Alternative, windows: list[Window], gone: set[str], before: Before
) -> tuple[float, Alternative, Window, set[str]] | None:
    """The window that holds most of an alternative, when that is enough, and is neither moved nor in the file already."""
    whole = sum(alternative.words.values())
    best: tuple[float, Window, set[str]] | None = None
    for window in windows:
        matched = alternative.words.keys() & window[3]
        score = sum(alternative.words[word] for word in matched) / whole if whole else 0.0
        if score >= SCORE and (best is None or score > best[0]):
            best = (score, window, matched)
    if best is None:
        return None
    score, window, matched = best
    heaviest = max(alternative.words[word] for word in matched)
    if heaviest < RARE or (len(matched) == 1 and not stands_for(alternative.option, next(iter(matched)))):
        return None
    if matched <= gone or before.has(window[0], matched - gone):
        return None
    return score, alternative, window, matched


def _finding(case: Case, alternative: Alternative, window: Window, matched: set[str], level: str) -> Finding:
    path, first, line, _ = window
    begin = first
    bound = alternative.bound
    shown: list[str] = []
    for number, added in case.change.files[path].added:
        if first <= number < first + 2 * WINDOW:
            clean = case.change.code_line(path, number, added)
            here = [each for each in [*NAMES.findall(clean), *PARTS.findall(clean)] if stem(each.replace("_", "").lower()) in matched]
            if here and not shown:
                begin, line = number, added
            shown += here
    reason = f": {alternative.reason}" if alternative.reason else ""
    return make(
        "rejected",
        level,
        (bound.decision.id or "", alternative.option, path),
        f"the lines from here look like {quoted(alternative.option)}, which the decision {quoted(bound.decision.title)} rejected{reason}",
        f"the decision is in force in {bound.commit[:10]}, and {path} is in its scope; "
        f"cite {bound.decision.id} in the message when this is meant",
        bound.precedent,
        tuple(dict.fromkeys(shown))[:5],
        case.change.owner(path, line),
        path,
        begin,
    )
