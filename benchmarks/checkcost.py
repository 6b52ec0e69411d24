"""What a first `cg check` costs: a pull request of about twenty commits, a fresh clone with its notes, no index, no model.

`benchmarks/check.py --cost` runs it. Processor time, ours and that of every process we start, beside `git log` of the same history.
"""

import json
import shutil
import sys
from pathlib import Path

import seeds
from measure import CG, paired, processor, run, scratch

from contextgraph.graph import Graph

COMMITS = 20
DECISIONS = 2_000
PHASES = """
import json, os, pathlib
def spent():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
marks = {"start-up": spent()}
from contextgraph.cli.check import check
from contextgraph.graph import Graph
from contextgraph.check import rules
marks["imports"] = spent()
graph = Graph.open(pathlib.Path("."))
graph.catch_up()
marks["indexing"] = spent()
def timed(name, rule):
    def run(case, found):
        before = spent()
        answer = list(rule(case, found))
        marks["rule " + name] = spent() - before
        return answer
    return run
for name, rule in list(rules.RULES.items()):
    rules.RULES[name] = timed(name, rule)
graph.check("main..HEAD")
marks["checking"] = spent()
print(json.dumps(marks))
"""


def cost(path: Path, rounds: int = 3) -> None:
    """Print what the check takes, by phase, and what it costs beside `git log`."""
    with scratch() as (folder, environment):
        clone = prepared(path, folder, environment)

        def git(*arguments: str) -> str:
            return run("git", *arguments, cwd=clone, environment=environment)

        def cold() -> None:
            shutil.rmtree(clone / ".git" / "contextgraph", ignore_errors=True)
            git("update-ref", "-d", "refs/notes/contextgraph")

        def check() -> None:
            cold()
            run(CG, "check", "main..HEAD", cwd=clone, environment=environment, accept=(0, 1))

        log = ("log", "--raw", "--no-renames", "-z", "--format=%H%n%B")
        history, whole, forgetting = (processor(each) for each in paired([lambda: git(*log), check, cold], rounds))
        counts = [git("rev-list", "--count", span).strip() for span in ("HEAD", "main..HEAD")]
        print(f"{path.name}: {counts[0]} commits, {DECISIONS} decisions in notes; a pull request of {counts[1]} commits")
        print(f"  cg check       {whole - forgetting:6.0f} ms of the processor, user and system")
        print(f"  git log --raw  {history:6.0f} ms; {(whole - forgetting) / history:.2f} times that")
        cold()
        last = 0.0
        for name, at in json.loads(run(sys.executable, "-c", PHASES, cwd=clone, environment=environment)).items():
            rule = name.startswith("rule ")
            print(f"    {name:<20} {1000 * (at if rule else at - last):6.0f} ms")
            last = last if rule else at


def prepared(path: Path, folder: Path, environment: dict[str, str]) -> Path:
    """A fresh clone, over the file protocol, with notes; `main` is where the pull request began, HEAD its end."""
    source, clone = folder / "source", folder / "clone"
    run("git", "clone", "--quiet", "--shared", "--no-checkout", path.resolve(), source, cwd=folder, environment=environment)

    def git(*arguments: str) -> str:
        return run("git", *arguments, cwd=source, environment=environment).strip()

    line = git("rev-list", "--first-parent", "HEAD").split()
    base = next(sha for sha in line if int(git("rev-list", "--count", f"{sha}..HEAD")) >= COMMITS)
    git("update-ref", "refs/heads/feature", "HEAD")
    git("symbolic-ref", "HEAD", "refs/heads/main")
    git("update-ref", "refs/heads/main", base)
    for branch in git("for-each-ref", "--format=%(refname)").split():
        if branch not in ("refs/heads/feature", "refs/heads/main"):
            git("update-ref", "-d", branch)
    graph = Graph.open(source, environment)
    graph.catch_up()
    seeds.sow(graph, DECISIONS)
    run("git", "clone", "--quiet", "--no-checkout", f"file://{source}", clone, cwd=folder, environment=environment)
    notes = "+refs/notes/contextgraph*:refs/contextgraph/remotes/origin/contextgraph*"
    run("git", "fetch", "--quiet", "origin", notes, cwd=clone, environment=environment)
    run("git", "symbolic-ref", "HEAD", "refs/heads/feature", cwd=clone, environment=environment)
    run("git", "update-ref", "HEAD", "refs/remotes/origin/feature", cwd=clone, environment=environment)
    return clone
