"""Reverts and relands that were lost on their way: made on another branch, and the merge that brought them in has nothing of them.

A release branch takes a change back, the branch it was made for keeps it, and one day the release branch is merged again. The
message still says what it says, so the tree of the merge is asked: where it took the change not back from what its branch had, and
what the reverter undid stands there, it was not reverted here. Likewise where it touched none of the files in which the change is
made once more, and nothing of that stands there, though it did where the change had landed first, it did not come back here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from contextgraph import promised
from contextgraph.commits import text
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status import undoing
from contextgraph.status.diffs import changes, first_parent
from contextgraph.status.files import Line, states
from contextgraph.status.returns import AGAIN
from contextgraph.status.reverts import MENTIONED, Pair
from contextgraph.status.undoing import Change

Row = tuple[str, str, str]
"""(merge, reverter as it came in, target)."""
Files = dict[str, Counter[Change]]
"""A change, by path."""


def sync(database: Database, git: Git) -> None:
    """Add to `kept` what is to be told of the merges that brought a reverter into the target branch, itself or as what it was rewritten
    into, later than its target, or what makes that once more."""
    connection = database.connection
    reverts = connection.execute("SELECT count(*), total(extent) FROM reverts").fetchone()
    links = connection.execute("SELECT count(*) FROM links").fetchone()
    standing = f"{database.get('target')} {reverts} {database.get('returns')} {links}"
    if database.get("kept") == standing:
        return
    merged = (
        "WITH RECURSIVE forms(sha, form) AS (SELECT sha, sha FROM ({0}) UNION SELECT f.sha, l.new FROM forms f JOIN links l ON old = form)"
        " SELECT DISTINCT r.landing, f.form, v.target, v.sha FROM ({0}) v JOIN forms f ON f.sha = v.sha JOIN commits r ON r.sha = f.form"
        " JOIN commits t ON t.sha = v.target WHERE r.landing <> f.form AND t.landing IS NOT NULL AND t.landing <> r.landing"
        " AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.merge = r.landing AND k.reverter = v.sha AND k.target = v.target)"
    )
    found = connection.execute(merged.format(f"SELECT reverter AS sha, target FROM reverts WHERE extent >= {MENTIONED}")).fetchall()
    claims = "SELECT sha, target FROM claims WHERE kind = 'again'"
    claimed = [] if promised.promisor(git) else connection.execute(merged.format(claims)).fetchall()
    # The form that came in is asked; what it was made from may be here no more.
    rows, again = (sorted({row[:3] for row in each}) for each in (found, claimed))
    stand = set(_standing(database, git, _elsewhere(database, git, rows))) if rows else set()
    stand |= set(_absent(database, git, again)) if again else set()
    told = [(merge, sha, target, (merge, form, target) in stand) for merge, form, target, sha in (*found, *claimed)]
    with database.transaction():
        connection.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", sorted(told))
        database.put("kept", standing)


def _absent(database: Database, git: Git, rows: list[Row]) -> Iterator[Row]:
    """Those where the merge has no line that both the change and what makes it once more had added, and touched none of their files."""
    asked = database.connection.execute
    landed = {target: asked("SELECT landing FROM commits WHERE sha = ?", (target,)).fetchone()[0] for *_, target in rows}
    parents = {sha: parent for merge, _, target in rows for sha in (merge, target) if (parent := first_parent(database, sha))}
    touched = _touched(git, sorted(parents.items()))
    own = {sha: touched[(sha, parent)] for sha, parent in parents.items()}
    rows = [(merge, again, target) for merge, again, target in rows if merge in own and own.get(target, set()) - own[merge]]
    lines = dict(changes(database, git, {sha for _, *pair in rows for sha in pair}))
    added: dict[Row, set[Line]] = {}
    for merge, again, target in rows:
        both = lines.get(target, Counter()) & lines.get(again, Counter())
        there = {(path, words) for path, sign, words in both if sign == "+"}
        if there and own[merge].isdisjoint(path for path, _ in there):
            added[(merge, again, target)] = there
    found = states(database, git, [(sha, there) for (merge, _, target), there in added.items() for sha in (merge, landed[target])])
    stand = [sum(state.stands.values()) for state in found]
    for (row, there), now, once in zip(added.items(), stand[::2], stand[1::2], strict=True):
        if now < MENTIONED * len(there) and once >= AGAIN * len(there):
            yield row


def _elsewhere(database: Database, git: Git, rows: list[Row]) -> dict[Row, bool]:
    """Those where the merge has the files of the change not as the reverter left them, and whether it touched any of these."""
    shas = {sha for merge, _, target in rows for sha in (merge, target)}
    before = {(sha, parent) for sha in shas if (parent := first_parent(database, sha))}
    touched = _touched(git, sorted(before | {(merge, reverter) for merge, reverter, _ in rows}))
    own = {sha: touched[(sha, parent)] for sha, parent in before}
    nothing: set[str] = set()
    there = {row: own.get(row[2], nothing) for row in rows}
    return {row: not paths.isdisjoint(own.get(row[0], nothing)) for row, paths in there.items() if paths & touched[row[:2]]}


def _standing(database: Database, git: Git, rows: dict[Row, bool]) -> Iterator[Row]:
    """Those where the merge has once more what the reverter undid. Where it touched the files it must have taken no line of that
    back, and a line that is gone must not be all that is asked for: there may be more gone with it."""
    read = changes(database, git, {sha for (merge, *pair), near in rows.items() for sha in ([merge, *pair] if near else pair)})
    lines = {sha: _by_file(change) for sha, change in read}
    undone: dict[Row, Counter[Change]] = {}
    for row in rows:
        target, reverter = lines.get(row[2], {}), lines.get(row[1], {})
        undone[row] = undoing.undone(_of_files(target, target), _of_files(reverter, target))
    left = [row for row, near in rows.items() if undone[row] and (not near or _untouched(undone[row], lines.get(row[0], {})))]
    names = sorted({path.rpartition("/")[2] for row in left for path, _, _ in undone[row]})
    since: dict[Pair, Files] = {}
    waiting = sorted({(merge, reverter) for merge, reverter, _ in left})
    while waiting:
        each = dict(waiting)  # one reverter of each merge, for a diff is told by the merge alone, and none where they agree
        since |= {(merge, each[merge]): _by_file(change) for merge, change in undoing.readable(git, list(each.items()), within=names)}
        waiting = [(merge, reverter) for merge, reverter in waiting if each[merge] != reverter]
    yield from (row for row in left if _stands(undone[row], since.get(row[:2], {})))


def _by_file(change: Counter[Change]) -> Files:
    files: Files = defaultdict(Counter)
    for line, count in change.items():
        files[line[0]][line] = count
    return files


def _of_files(change: Files, paths: Iterable[str]) -> Counter[Change]:
    """What a change does in some files: a reverter of everything would be gone through whole for each of its targets."""
    return Counter({line: count for path in paths for line, count in change.get(path, {}).items()})


def _untouched(undone: Counter[Change], merge: Files) -> bool:
    return any(sign == "+" for _, sign, _ in undone) and undoing.extent(undone, _of_files(merge, _by_file(undone))) < MENTIONED


def _stands(undone: Counter[Change], since: Files) -> bool:
    """Whether most of what was added is there again, and most of what was removed is gone again."""
    again = _of_files(since, _by_file(undone))
    sides = [Counter({line: count for line, count in undone.items() if line[1] == sign}) for sign in "+-"]
    return all(undoing.repeated(side, again) >= AGAIN for side in sides if side)


def _touched(git: Git, pairs: list[Pair]) -> dict[Pair, set[str]]:
    """For each pair of commits the files in which they differ; one process for all."""
    asked = "".join(f"{new} {old}\n" for new, old in pairs).encode()
    waiting = list(reversed(pairs))
    found: dict[Pair, set[str]] = {}
    paths: set[str] = set()
    for part in git.stream("diff-tree", "--stdin", "--always", "-r", "-z", "--no-renames", "--name-only", stdin=asked):
        if waiting and part == waiting[-1][0].encode():
            paths = found.setdefault(waiting.pop(), set())
        else:
            paths.add(text(part))
    return found
