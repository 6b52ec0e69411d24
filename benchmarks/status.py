"""What became of every commit: the first pass over a whole history, and every later look.

    python benchmarks/status.py [--commits 80000] [--reverts 2000] [--repository DIR] [--rounds 7]

A made history has a revert for every 40th commit; DIR measures a clone of a real one instead (its index is thrown away). Budgets: the
first pass takes at most 6 s besides indexing; after one commit, or a pull of 100, a look takes at most 150 ms more than doing nothing;
an answer as of a moment takes at most 0.5 s. Times are of the processor and depend on it: `git rev-list --all` beside them is the measure.
"""

import argparse
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from measure import CG, START, run, scratch

from contextgraph.graph import Graph
from contextgraph.status import chains, inverses, landing, linking, returns, reverts

FIRST, MORE, PAST = 6.0, 150.0, 500.0
"""Seconds of the first pass; milliseconds of a later look beyond an idle one; milliseconds of an answer as of a moment."""


def made(path: Path, environment: Mapping[str, str], commits: int, count: int) -> Path:
    """A history in which `count` commits are reverted, each ten commits later, by a commit that says so."""
    run("git", "init", "--quiet", path, cwd=path.parent, environment=environment)
    process = subprocess.Popen(["git", "fast-import", "--quiet", "--done"], cwd=path, env=dict(environment), stdin=subprocess.PIPE)
    assert process.stdin
    every = max(20, commits // max(1, count))
    for number in range(1, commits + 1):
        back = number - 10
        undone = back if back > 0 and back % every == 0 else None
        body = f'Revert "Change {undone} of the parser"\n' if undone else f"Change {number} of the parser\n\nIt waits for nothing.\n"
        lines = "".join(f"{number} says {each}\n" for each in range(4))
        entry = (
            f"D src/{undone % 97}/file{undone}\n"
            if undone
            else f"M 100644 inline src/{number % 97}/file{number}\ndata {len(lines)}\n{lines}\n"
        )
        moment = f"Ann <ann@example.com> {START + 60 * number} +0000"
        text = f"commit refs/heads/main\nmark :{number}\nauthor {moment}\ncommitter {moment}\ndata {len(body)}\n{body}{entry}"
        process.stdin.write(text.encode())
    process.stdin.write(b"done\n")
    process.stdin.close()
    process.wait()
    return path


def seconds(action: Callable[[], object]) -> float:
    """Processor time, ours and that of the processes started: what else the machine does would be measured with the wall clock."""
    before = _processor()
    action()
    return _processor() - before


def _processor() -> float:
    return sum(each.ru_utime + each.ru_stime for each in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def milliseconds(times: list[float]) -> float:
    return 1000 * statistics.median(times)


def first_pass(graph: Graph) -> float:
    """Seconds of everything that `catch_up` does after indexing, on an index that has only commits."""
    database = graph.database
    with database.transaction() as connection:
        connection.execute("UPDATE commits SET landing = NULL")
        for table in ("reverts", "patches", "tried"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("DELETE FROM claims WHERE kind = 'again'")
        names = "('target', 'reverts', 'chains', 'returns', 'linked', 'compared', 'noticed', 'uncompared', 'standing')"
        connection.execute(f"DELETE FROM meta WHERE name IN {names}")
    total = 0.0
    for name, action in {
        "landed": lambda: landing.sync(database, graph.git, graph.target),
        "reverted, declared and whole files": lambda: reverts.sync(database, graph.git),
        "what is undone with it": lambda: chains.sync(database, graph.git),
        "what came back": lambda: returns.sync(database, graph.git),
        "noticing what is to be compared": lambda: inverses.sync(database, graph.git),
        "carried": lambda: linking.find(database, graph.git, set(), graph.refs.heads.values()),
    }.items():
        took = seconds(action)
        total += took
        print(f"    {name:38}{took:8.2f} s")
    return total


def looks(path: Path, rounds: int, commits: int) -> float:
    """Milliseconds of a catch-up after so many new commits."""
    times = []
    for each in range(rounds):
        for number in range(commits):
            name = f"new{each}-{number}-{commits}"
            (path / name).write_text(f"{name}\n" * 4)
            subprocess.run(["git", "add", name], cwd=path, check=True)
            subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "-m", name], cwd=path, check=True)
        graph = Graph.open(path)
        times.append(seconds(graph.catch_up))
    return milliseconds(times)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--commits", type=int, default=80_000)
    parser.add_argument("--reverts", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repository", type=Path)
    options = parser.parse_args()
    kept: list[bool] = []

    def budget(name: str, value: float, limit: float, unit: str) -> None:
        kept.append(value <= limit)
        print(f"  {name:40}{value:8.2f} {unit}  (budget {limit:g}: {'kept' if kept[-1] else 'MISSED'})")

    with scratch() as (directory, environment):
        path = options.repository or made(directory / "repository", environment, options.commits, options.reverts)
        graph = Graph.open(path, environment)
        print(f"  {'git rev-list --all':40}{seconds(lambda: graph.git.run('rev-list', '--all')):8.2f} s")
        graph.reset_index()
        print(f"  {'indexing and everything after it':40}{seconds(graph.catch_up):8.2f} s")
        budget("the first pass besides indexing", first_pass(graph), FIRST, "s ")
        found: set[str] = set()
        took = seconds(lambda: found.update(graph.view.ledger().reverted()))
        print(f"  {f'{len(found)} reverted commits told':40}{took:8.2f} s")
        if options.repository is None:
            run("git", "reset", "--quiet", "--hard", "main", cwd=path, environment=environment)
            idle = looks(path, options.rounds, 0)
            print(f"  {'a look at nothing new':40}{idle:8.2f} ms")
            budget("one commit more", looks(path, options.rounds, 1) - idle, MORE, "ms")
            budget("a pull of 100 more", looks(path, 3, 100) - idle, MORE, "ms")
        past = ("log", "--status", "landed", "--as-of", "HEAD~10", "-n", "20")
        times = [seconds(lambda: run(CG, *past, cwd=path, environment=environment, accept=(0, 1))) for _ in range(options.rounds)]
        budget("cg log --status landed --as-of HEAD~10", milliseconds(times), PAST if options.commits <= 10_000 else 8 * PAST, "ms")
        if waiting := inverses.waiting(graph.database):
            took = seconds(lambda: list(inverses.steps(graph.database, graph.git)))
            print(f"  {f'{waiting} commits compared in the background':40}{took:8.2f} s")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
