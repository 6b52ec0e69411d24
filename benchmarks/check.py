"""What `cg check` says over real histories and over the labelled corpus: findings per 100 changes, precision and recall.

python benchmarks/check.py                       the corpus of tests/data/check
python benchmarks/check.py [-n N] REPOSITORY…    every landed commit or merge as if it were a pull request, the newest N;
                                                 precedents only from before it
python benchmarks/check.py --seed K REPOSITORY…   the same with K decisions strewn over the history first
python benchmarks/check.py --cost REPOSITORY…    a first check of a pull request of 20 commits: processor time by phase
python benchmarks/check.py --relanded REPOSITORY…  every patch that landed, was taken back and landed again, by patch-id
"""

import argparse
import atexit
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import checkcost
import seeds

from contextgraph import check
from contextgraph.check.finding import Report
from contextgraph.check.policy import of_config
from contextgraph.event import moment
from contextgraph.graph import Graph
from contextgraph.query.view import Moment

DAY = 86_400


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("repositories", nargs="*", type=Path)
    parser.add_argument("-n", type=int, default=1000, metavar="N", help="changes a repository, the newest (1000)")
    parser.add_argument("--seed", type=int, default=0, metavar="K", help="first strew K decisions over the history (of a copy)")
    parser.add_argument("--cost", action="store_true", help="what a first check of a pull request costs, 2,000 decisions, by phase")
    parser.add_argument("--relanded", action="store_true", help="look for re-landed patches only")
    parser.add_argument("--show", action="store_true", help="print every error and warning")
    options = parser.parse_args()
    if not options.repositories:
        sys.path.insert(0, str(Path(__file__).parents[1]))
        from tests import check_corpus

        check_corpus.main()
    for path in options.repositories:
        if options.cost:
            checkcost.cost(path)
            continue
        graph = seeded(path, options.seed) if options.seed else Graph.open(path)
        graph.catch_up()
        history = History(graph)
        if options.relanded:
            relanded(history, options.show)
        else:
            ordinary(history, options.n, options.show)


def seeded(path: Path, number: int) -> Graph:
    """A copy of the repository, whose objects it borrows, with decisions on commits at random."""
    copy = Path(tempfile.mkdtemp(prefix="cg-check-")) / path.name
    atexit.register(shutil.rmtree, copy.parent)
    subprocess.run(["git", "clone", "--quiet", "--shared", "--no-checkout", str(path), str(copy)], check=True)
    graph = Graph.open(copy)
    graph.catch_up()
    print(f"{path.name}: {seeds.sow(graph, number)} decisions")
    return graph


class History:
    """The target branch as a row of changes, each with what stood before it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        target = graph.target
        assert target is not None, "there is no target branch"
        self.chain = graph.git.text("rev-list", "--first-parent", target.tips[0]).split()[::-1]
        self.position = {sha: number for number, sha in enumerate(self.chain)}
        rows = graph.database.connection.execute("SELECT sha, landing, commit_time FROM commits").fetchall()
        self.landing = {sha: self.position.get(landing, 1 << 40) for sha, landing, _ in rows}
        self.times = {sha: when for sha, _, when in rows}
        self.policy = of_config(graph.config)

    def before(self, number: int) -> Moment:
        """Everything that had landed before the change at this place of the row."""
        landing = self.landing

        class Reached(frozenset[str]):
            def __contains__(self, sha: object) -> bool:
                return landing.get(str(sha), 1 << 40) < number

        when = self.times.get(self.chain[number - 1], 0)
        return Moment(moment(when), 1 << 40, Reached())

    def check(self, number: int, words: str = "") -> Report:
        graph = self.graph
        sha = self.chain[number]
        past = self.before(number)
        sight = check.Sight(graph.settings, graph.refs.tracking, fetched=True)
        return check.check(graph.view, words or f"{sha}^1..{sha}", sha, self.policy, sight, [], past.at[:10], past)


def ordinary(history: History, most: int, show: bool) -> None:
    """Findings per 100 changes, by level and rule."""
    numbers = range(max(1, len(history.chain) - most), len(history.chain))
    found: Counter[tuple[str, str]] = Counter()
    changes: Counter[str] = Counter()
    began = time.perf_counter()
    for number in numbers:
        report = history.check(number)
        found.update((each.level, each.rule) for each in report.findings)
        changes.update({each.level for each in report.findings})
        for each in report.findings if show else ():
            if each.level != "note":
                print(f"  {history.chain[number][:10]} {each.level} {each.rule} {each.path}:{each.line} {each.message}")
    seconds = time.perf_counter() - began
    print(f"{history.graph.git.directory.name}: {len(numbers)} changes, {seconds / len(numbers) * 1000:.0f} ms each")
    for (level, rule), count in sorted(found.items()):
        print(f"  {level:<8} {rule:<14} {100 * count / len(numbers):6.2f} per 100 changes ({count})")
    print(f"  changes with a warning {changes['warning']}, with an error {changes['error']}")


def relanded(history: History, show: bool) -> None:
    """Of the patches that landed, were taken back and landed again, all by patch-id, how many the check names."""
    graph = history.graph
    ids, back = dict(patch_ids(graph, [])), dict(patch_ids(graph, ["-R", "--src-prefix=b/", "--dst-prefix=a/"]))
    never = 1 << 40
    order = sorted(
        (sha for sha in ids if 0 < history.landing.get(sha, never) < never), key=lambda sha: (history.landing[sha], history.times[sha])
    )
    made: dict[str, str] = {}
    undone: dict[str, tuple[str, str]] = {}
    count: Counter[str] = Counter()
    for sha in order:
        patch = ids[sha]
        if patch in undone and back.get(sha) != patch:
            old, by = undone.pop(patch)
            if history.landing[by] < history.landing[sha] and ancestor(graph, old, by) and ancestor(graph, by, sha):
                outcome = told(history, sha, by)
                count[outcome] += 1
                if show:
                    print(f"  {outcome:<9} {sha[:10]} {graph.title(sha)[:60]!r}: {old[:10]} undone by {by[:10]} {graph.title(by)[:60]!r}")
        made[patch] = sha
        target = made.get(back.get(sha, ""))
        if target is not None and target != sha:
            undone[back[sha]] = (target, sha)
    print(f"{graph.git.directory.name}: {sum(count.values())} re-landed patches: {dict(count)}")


def told(history: History, sha: str, by: str) -> str:
    """What the check says of a re-landed patch."""
    report = history.check(history.landing[sha], f"{sha}^1..{sha}")
    rules = {each.rule: each.level for each in report.findings}
    cited = cites(history.graph.message(sha) or "", by)
    return rules.get("reintroduced") or rules.get("returning") or ("cites it" if cited else "nothing")


def ancestor(graph: Graph, old: str, new: str) -> bool:
    return graph.git.maybe("merge-base", "--is-ancestor", old, new) is not None


def cites(message: str, by: str) -> bool:
    return any(by.startswith(each) for each in re.findall(r"\b[0-9a-f]{7,40}\b", message)) or bool(
        re.search(r"re-?land|revert|reapply", message, re.I)
    )


def patch_ids(graph: Graph, flags: list[str]) -> Iterator[tuple[str, str]]:
    """(commit, git patch-id --stable) of everything that is no merge."""
    log = [
        "git",
        "log",
        "-p",
        "--no-merges",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--no-renames",
        "--full-index",
        "--format=commit %H",
    ]
    log += [*flags, history_tip(graph)]
    diffs = subprocess.Popen(log, cwd=graph.git.directory, stdout=subprocess.PIPE)
    done = subprocess.run(["git", "patch-id", "--stable"], stdin=diffs.stdout, capture_output=True, check=True)
    diffs.wait()
    for row in done.stdout.decode().splitlines():
        identity, sha = row.split()
        yield sha, identity


def history_tip(graph: Graph) -> str:
    assert graph.target is not None
    return graph.target.tips[0]


if __name__ == "__main__":
    main()
