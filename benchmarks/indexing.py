"""Indexing real histories: time, memory, disk, refresh and cold questions, beside git's own walk of the same commits.

    python benchmarks/indexing.py PATH... [--traces 10000]

Each PATH is a repository; what its HEAD reaches is cloned and the clone measured. Budgets: 5,000 commits/s, and a refresh
with nothing new in at most 3 git processes. `git status` and `git fsck` must stay clean, and uninstalling must leave hooks
and configuration byte for byte as they were.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from measure import CG, paired, repository, run, scratch, wall

RATE, PROCESSES = 5_000, 3
WALK = ("git", "log", "-z", "--raw", "--no-abbrev", "--no-renames", "--format=%H%x00%P%x00%B")


def cost(command: tuple[str | Path, ...], cwd: Path, environment: Mapping[str, str]) -> tuple[float, float, float]:
    """(seconds, seconds of processor time, megabytes at most) of a program and its children."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))} -> {process.returncode}")
    memory = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, memory


def processes(path: Path, environment: Mapping[str, str], trace: Path, *words: str) -> int:
    """How many git processes a command starts, as git itself counts them."""
    trace.unlink(missing_ok=True)
    run(CG, *words, cwd=path, environment={**environment, "GIT_TRACE2_EVENT": str(trace)}, accept=(0, 1))
    return trace.read_text(encoding="utf-8").count('"event":"start"')


def furniture(path: Path) -> dict[str, bytes]:
    """The bytes of everything that init may touch in the repository of the user."""
    git = path / ".git"
    files = [git / "config", git / "info" / "exclude", git / "info" / "attributes", *sorted((git / "hooks").iterdir())]
    return {str(file.relative_to(git)): file.read_bytes() + oct(file.stat().st_mode).encode() for file in files if file.is_file()}


def clean(path: Path, environment: Mapping[str, str]) -> str:
    """What `git status` and `git fsck` have to complain of; empty when nothing."""
    status = run("git", "status", "--porcelain", cwd=path, environment=environment)
    fsck = subprocess.run(
        ["git", "fsck", "--connectivity-only", "--no-dangling"], cwd=path, env=dict(environment), capture_output=True, check=False
    )
    return status + (fsck.stderr.decode(errors="replace") if fsck.returncode else "")


def questions(path: Path, environment: Mapping[str, str]) -> None:
    """Prints cold questions beside the import of typer, in turns."""
    name, line = longest(path, environment)
    asked = {
        "cg search, lexical": ("search", "fix race lock"),
        "cg search, common words": ("search", "fix add test use new"),
        "cg why HEAD": ("why", "HEAD"),
    }
    asked[f"cg why {name}:{line}"] = ("why", f"{name}:{line}")

    def command(*words: str | Path) -> object:
        return run(*words, cwd=path, environment=environment, accept=(0, 1))

    actions = [lambda: command(sys.executable, "-c", "import typer")]
    actions += [lambda words=words: command(CG, *words) for words in asked.values()]  # type: ignore[misc]
    base, *others = paired(actions, 7)
    for label, costs in zip(asked, others, strict=True):
        print(f"  {label:34}{wall(costs):8.0f} ms, {wall(costs) / wall(base):.1f} times `import typer`")
    _, _, memory = cost((CG, "search", "fix race lock"), path, environment)
    print(f"  {'memory of a search':34}{memory:8.0f} MB")


def longest(path: Path, environment: Mapping[str, str]) -> tuple[str, int]:
    """A text file of the repository and its middle line: the largest with a known ending."""
    names = run("git", "ls-files", "-z", "*.py", "*.c", "*.rs", "*.go", "*.md", cwd=path, environment=environment).split("\0")
    largest = max((name for name in names if name), key=lambda name: (path / name).stat().st_size)
    return largest, (path / largest).read_bytes().count(b"\n") // 2


def measure(source: Path, directory: Path, environment: Mapping[str, str]) -> bool:
    """Prints the figures of one repository; whether its budgets were kept."""
    path = directory / "clone"
    run("git", "clone", "--quiet", "--single-branch", "--no-tags", source.resolve(), path, cwd=directory, environment=environment)
    commits = int(run("git", "rev-list", "--count", "HEAD", cwd=path, environment=environment))
    before = furniture(path)
    walks = [cost(WALK, path, environment) for _ in range(3)]
    seconds, processor, memory = cost((CG, "init", "--no-model"), path, environment)
    base = statistics.median(each[0] for each in walks)
    disk = sum(file.stat().st_size for file in (path / ".git" / "contextgraph").rglob("*") if file.is_file())
    rate = commits / seconds
    kept = "kept" if rate >= RATE else "MISSED"
    print(f"{source.name}: {commits} commits")
    print(f"  {'cg init --no-model':34}{seconds:8.1f} s, {seconds / base:.1f} times `git log --raw` ({base:.1f} s)")
    print(f"  {'commits a second':34}{rate:8.0f} on the clock, {commits / processor:.0f} of processor time  (budget {RATE}: {kept})")
    print(f"  {'memory':34}{memory:8.0f} MB, {memory / commits * 1000:.1f} per 1,000 commits")
    print(f"  {'disk':34}{disk / 2**20:8.1f} MB, {disk / commits / 1024 * 1000:.0f} KB per 1,000 commits")
    count = processes(path, environment, directory / "trace", "refresh", "-q")
    print(f"  {'git processes of an idle refresh':34}{count:8}  (budget {PROCESSES}: {'kept' if count <= PROCESSES else 'MISSED'})")
    questions(path, environment)
    complaints = clean(path, environment)
    run(CG, "uninstall", "--purge-local", cwd=path, environment=environment)
    same = furniture(path) == before
    print(f"  status and fsck: {complaints or 'clean'}; after uninstall {'byte for byte as before' if same else 'NOT AS BEFORE'}")
    return rate >= RATE and count <= PROCESSES and not complaints and same


def rebuild(directory: Path, environment: Mapping[str, str], traces: int) -> None:
    """Prints what a rebuild of an index costs in which every commit has a recorded trace."""
    path = repository(directory / "traces", environment, traces)
    run(CG, "init", "--no-model", cwd=path, environment=environment)
    base, _, _ = cost(WALK, path, environment)
    seconds, processor, memory = cost((CG, "refresh", "--rebuild", "-q"), path, environment)
    print(f"cg refresh --rebuild of {traces} recorded traces, without vectors")
    print(f"  {seconds:.1f} s ({processor:.1f} s of processor time), {seconds / base:.1f} times `git log --raw`, {memory:.0f} MB")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    parser.add_argument("--traces", type=int, default=10_000)
    options = parser.parse_args()
    kept = True
    for path in options.paths:
        with scratch() as (directory, environment):
            kept = measure(path, directory, environment) and kept
    with scratch() as (directory, environment):
        rebuild(directory, environment, options.traces)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(f"most memory of any process: {most:.0f} MB")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
