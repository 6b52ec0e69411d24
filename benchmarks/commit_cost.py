"""Real `git commit`s with our hooks beside the same without them, in two copies of a repository, in turns.

    python benchmarks/commit_cost.py [--traces 10 50000] [--commits 40] [--blocks 5]

Once with half a second before each commit, so that the worker of the last one runs and ends, and once in blocks of 60 back
to back. Budget: a median ratio of at most 1.6, whatever is stored; and the note is there within a second of the commit.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from measure import CG, paired, repository, run, scratch, verdict

RATIO, SECONDS, BLOCK = 1.6, 1.0, 60


class Copy:
    """One copy of the repository, in which commits are made; each changes one file."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.path = path
        self.environment = dict(environment)
        self.made = 0
        self.command = ["git", "commit", "--quiet", "--all", "--message", "Change one file"]
        (path / "changed").write_text("0\n")
        run("git", "add", "changed", cwd=path, environment=environment)

    def change(self) -> None:
        self.made += 1
        (self.path / "changed").write_text(f"{self.made}\n")

    def commit(self) -> None:
        subprocess.run(self.command, cwd=self.path, env=self.environment, check=True)

    def step(self) -> float:
        """Seconds of one commit; what it commits is written before."""
        self.change()
        started = time.perf_counter()
        self.commit()
        return time.perf_counter() - started

    def block(self) -> None:
        for _ in range(BLOCK):
            self.change()
            self.commit()

    def settle(self) -> None:
        """Wait until the worker has gone."""
        while (self.path / ".git" / "contextgraph" / "waiting").exists() or (self.path / ".git" / "contextgraph" / "spool").exists():
            time.sleep(0.02)
        time.sleep(0.5)

    def noted(self) -> float:
        """Seconds from the end of a commit until its note is in the ref."""
        ref = self.path / ".git" / "refs" / "notes" / "contextgraph"
        before = ref.read_bytes() if ref.exists() else b""
        self.change()
        self.commit()
        started = time.perf_counter()
        while not ref.exists() or ref.read_bytes() == before:
            if time.perf_counter() - started > 30:
                sys.exit("no note in 30 seconds")
            time.sleep(0.002)
        waited = time.perf_counter() - started
        run("git", "notes", "--ref", "contextgraph", "show", "HEAD", cwd=self.path, environment=self.environment)
        return waited


def measure(plain: Copy, hooked: Copy, commits: int, blocks: int) -> bool:
    """Prints the three figures; whether all are within the budget."""
    alone: list[list[float]] = [[], []]
    for _ in range(commits):
        for times, copy in zip(alone, (plain, hooked), strict=True):
            time.sleep(0.5)
            times.append(copy.step())
    hooked.settle()
    kept = [report("half a second apart", *alone)]
    before, after = paired([plain.block, hooked.block], blocks, pause=1.0)
    hooked.settle()
    kept.append(report("60 back to back", [each.wall / BLOCK for each in before], [each.wall / BLOCK for each in after]))
    waits = []
    for _ in range(max(5, commits // 4)):
        hooked.settle()
        waits.append(hooked.noted())
    kept.append(max(waits) <= SECONDS)
    print(f"  {'until the note is there':24} median {statistics.median(waits):.2f} s, longest {max(waits):.2f} s  (budget {SECONDS} s)")
    return all(kept)


def report(name: str, before: list[float], after: list[float]) -> bool:
    without, ours = statistics.median(before), statistics.median(after)
    print(f"  {name:24} without {1000 * without:6.1f} ms, with {1000 * ours:6.1f} ms  ratio {verdict(ours / without, RATIO)}")
    return ours / without <= RATIO


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--traces", type=int, nargs="+", default=[10, 50_000])
    parser.add_argument("--commits", type=int, default=40, help="pairs of commits half a second apart")
    parser.add_argument("--blocks", type=int, default=5, help="pairs of blocks of 60")
    options = parser.parse_args()
    kept = True
    for traces in options.traces:
        with scratch() as (directory, environment):
            first = repository(directory / "plain", environment, traces)
            second = directory / "hooked"
            shutil.copytree(first, second, symlinks=True)
            run(CG, "init", "--no-model", cwd=second, environment=environment)
            print(f"{traces} traces")
            kept = measure(Copy(first, environment), Copy(second, environment), options.commits, options.blocks) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
