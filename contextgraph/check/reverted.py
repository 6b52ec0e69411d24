"""Changes that were reverted and come back exactly, by patch-id; and whether a range knows of the revert."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from contextgraph import claims
from contextgraph.check import toggled
from contextgraph.check.bound import Undone
from contextgraph.check.case import Case, names_commit, quoted
from contextgraph.check.finding import Finding, Precedent, make
from contextgraph.commits import Commit
from contextgraph.status.patches import of_pairs

_AGAIN = re.compile(
    r"\bre-?(?:land|appl|introduc|instat|enabl|do\b|submit)\w*"
    r"|\b(?:try|attempt|bring)\w* (?:this )?(?:back|again)"
    r"|\b(?:take|try|attempt) (?:two|three|four|#?[2-9])\b"
    r"|\b(?:second|third|another) (?:try|attempt)\b",
    re.I,
)


def exact(case: Case) -> Iterator[Finding]:
    """Each commit of the range, and the range as a whole, whose patch is that of a reverted change."""
    level = case.policy.level("reintroduced")
    if level == "off":
        return
    told: set[str] = set()
    for sha, each in _same_patches(case):
        if each.by not in told and not cited(case, each) and _remains(case, sha):
            told.add(each.by)
            yield _exactly(case, each, sha, level)
    for sha, each, gated in toggled.find(case):
        if each.by not in told and not cited(case, each) and _remains(case, sha):
            told.add(each.by)
            yield _exactly(case, each, sha, level if gated or level != "error" else "warning")


def _same_patches(case: Case) -> Iterator[tuple[str, Undone]]:
    """(commit of the range, reverted change) of the same patch-id; only changes of the same files are compared."""
    candidates = case.precedents.undone
    new = _changes(case)
    paths = case.precedents.undone_paths
    paths = paths | _merged_paths(case, [each.sha for each in candidates if not paths[each.sha]])
    wanted = {key for _, _, key in new}
    near = [each for each in candidates if paths[each.sha] in wanted]
    if not near:
        return
    ids = of_pairs(case.git, pairs(case, [each.sha for each in near if not each.of_revert]))
    back = of_pairs(case.git, pairs(case, [each.sha for each in near if each.of_revert]), reverse=True)
    own = of_pairs(case.git, [(sha, parent) for sha, parent, _ in new if parent != case.change.base or sha != case.change.head])
    whole = of_pairs(case.git, [(case.change.head, case.change.base)])
    for sha, parent, _ in new:
        patch = whole.get(sha) if sha == case.change.head and parent == case.change.base else own.get(sha)
        for each in near:
            if patch is not None and (back if each.of_revert else ids).get(each.sha) == patch:
                yield sha, each


def _changes(case: Case) -> list[tuple[str, str | None, frozenset[str]]]:
    """(sha, parent, paths) of each commit, and of head against base when there are several."""
    found = [
        (each.sha, each.parents[0] if each.parents else None, frozenset(path for _, path, _ in each.changes)) for each in case.change.single
    ]
    if len(case.change.commits) > 1 and case.change.base:
        names = {name for file in case.change.files.values() for name in (file.path, file.old_path if file.status == "R" else file.path)}
        found.append((case.change.head, case.change.base, frozenset(names)))
    return [each for each in found if each[2]]


def pairs(case: Case, shas: Iterable[str]) -> list[tuple[str, str | None]]:
    return [(sha, case.precedents.parent(sha)) for sha in shas]


def _merged_paths(case: Case, merges: list[str]) -> dict[str, frozenset[str]]:
    """The paths that each of these merges changed against its first parent; one process for all."""
    asked = "".join(f"{sha} {parent}\n" for sha in merges if (parent := case.precedents.parent(sha)))
    found: dict[str, set[str]] = {sha: set() for sha in merges}
    sha = ""
    fields = case.git.run("diff-tree", "--stdin", "-r", "--name-only", "-z", "--no-renames", stdin=asked.encode()) if asked else b""
    for field in fields.replace(b"\n", b"\0").split(b"\0"):
        name = field.decode("utf-8", "surrogateescape")
        if name in found:
            sha = name
        elif name and sha:
            found[sha].add(name)
    return {sha: frozenset(names) for sha, names in found.items()}


def _remains(case: Case, sha: str) -> bool:
    """Whether what the commit does is still there at the end of the range."""
    lines = case.change.lines.get(sha)
    if not lines:
        return True
    added = Counter({words: count for (_, sign, words), count in lines.items() if sign == "+"})
    there, sign = (case.change.added, added) if added else (case.change.removed, Counter(words for _, _, words in lines.elements()))
    return sum(min(count, there[words]) for words, count in sign.items()) * 2 >= sum(sign.values())


def cited(case: Case, each: Undone) -> bool:
    """Whether the range knows of the revert: it names it, its pull request or its title, replaces the change, or says it comes again."""
    messages = case.change.messages
    reverters = case.precedents.reverters(each)
    if any(names_commit(messages, sha) for sha in reverters) or any(len(n) >= 7 and each.sha.startswith(n) for n in case.change.supersedes):
        return True
    title, bare = case.precedents.subject(each.sha), _bare(case.precedents.subject(each.sha))
    reverts = {case.precedents.subject(sha) for sha in reverters}
    if any(pull and re.search(rf"[#!/]{pull}\b", messages) for pull in map(_pull, reverts)):
        return True
    for commit in case.change.commits:
        if _reverts(commit, {*reverts, f'Revert "{title}"', f'Revert "{bare}"'}):
            return True
        about = bool(bare and bare in commit.message) or names_commit(commit.message, each.sha)
        if about and _AGAIN.search(commit.message):
            return True
    return False


def _pull(subject: str) -> str | None:
    """The number of the pull request that a title names at its end, or merges."""
    match = re.search(r"\(#(\d+)\)\s*$|^Merge pull request #(\d+)|^Auto merge of #(\d+)", subject)
    return next((group for group in match.groups() if group), None) if match else None


def _bare(title: str) -> str:
    return re.sub(r"\s*\(#\d+\)$", "", title)


def _reverts(commit: Commit, titles: set[str]) -> bool:
    """Whether the message says that it takes back one of these titles."""
    stated = {claim.target for claim in claims.read(commit.message) if claim.kind == "reverts-subject"}
    bare = {_bare(each) for each in titles}
    return any(each in titles or _bare(each) in bare for each in stated)


def precedent(case: Case, each: Undone) -> Precedent:
    """The reverted change as a precedent."""
    title = case.precedents.subject(each.sha)
    return Precedent(each.sha, None, "reverted", case.precedents.day(each.by), title)


def how(case: Case, each: Undone) -> str:
    """What became of the change, in words."""
    words = "is that revert" if each.of_revert else f"was reverted by {each.by[:10]} {quoted(case.precedents.subject(each.by), 60)}"
    return f"{each.sha[:10]} {words} on {case.precedents.day(each.by)}"


def _exactly(case: Case, each: Undone, sha: str, level: str) -> Finding:
    title = case.precedents.subject(each.sha)
    what = f"exactly what {each.by[:10]} {quoted(title)} took back"
    if not each.of_revert:
        what = f"exactly {each.sha[:10]} {quoted(title)}, which was reverted"
    lines = case.change.lines.get(sha) or Counter()
    path = next((path for path, _, _ in lines), None) or next(iter(case.change.files), None)
    new = case.change.files.get(path or "")
    return make(
        "reintroduced",
        level,
        (each.sha, each.by),
        f"{sha[:10]} brings back {what}",
        f"{how(case, each)}; the patch-id is the same, and no message of the range cites the revert",
        precedent(case, each),
        tuple(words for _, sign, words in list(lines)[:20] if sign == "+")[:3],
        sha,
        path,
        new.added[0][0] if new and new.added else None,
    )
