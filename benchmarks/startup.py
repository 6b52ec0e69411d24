"""Cold commands beside `python -c "import typer"`, in turns, with 10 and with 50,000 traces stored.

    python benchmarks/startup.py [--traces 10 50000] [--rounds 25]

Budget: `cg why HEAD` and a lexical `cg search` take at most 2.5 times the import. Warm byte code, no model, output to a pipe.
"""

import argparse
import sys
from pathlib import Path

from measure import CG, paired, processor, repository, run, scratch, verdict, wall

BUDGET = 2.5
COMMANDS: dict[str, tuple[str, ...]] = {
    "cg --help": ("--help",),
    "cg why HEAD": ("why", "HEAD"),
    "cg search (common words)": ("search", "slow", "cache", "under", "load"),
    "cg search (a rare word)": ("search", "migration", "of", "step", "7"),
    "cg log --decisions": ("log", "--decisions", "-n", "20"),
}


def measure(repository: Path, environment: dict[str, str], rounds: int) -> bool:
    """Prints a line a command; whether the budget was kept by those it binds."""

    def command(*words: str | Path) -> object:
        return run(*words, cwd=repository, environment=environment, accept=(0, 1))

    actions = [lambda: command(sys.executable, "-c", "import typer")]
    actions += [lambda words=words: command(CG, *words) for words in COMMANDS.values()]  # type: ignore[misc]
    base, *others = paired(actions, rounds)
    print(f"  {'python -c `import typer`':28}{wall(base):8.1f} ms")
    kept = True
    for name, costs in zip(COMMANDS, others, strict=True):
        ratio = wall(costs) / wall(base)
        print(
            f"  {name:28}{wall(costs):8.1f} ms  ratio {verdict(ratio, BUDGET)}; of processor time {processor(costs) / processor(base):.2f}"
        )
        kept = kept and ratio <= BUDGET
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--traces", type=int, nargs="+", default=[10, 50_000])
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    kept = True
    for traces in options.traces:
        with scratch() as (directory, environment):
            path = repository(directory / "repository", environment, traces)
            run(CG, "init", "--no-model", cwd=path, environment=environment)
            print(f"{traces} traces")
            kept = measure(path, environment, options.rounds) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
