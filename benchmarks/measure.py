"""What the benchmarks share: repositories with any number of traces, made in seconds, and paired measuring.

Two things are measured in turns (A B A B ...), so that whatever else the machine does falls on both; medians are compared.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from contextgraph import event
from contextgraph.capture import begin
from contextgraph.git import NOTES_REF, Git
from contextgraph.notes import Store

CG = Path(sys.executable).with_name("cg")
START = 1_600_000_000
"""The time of the first commit; each is a minute after the one before."""
WORDS = (
    "retry timeout cache parser queue session token limit schema index worker lock socket buffer router merge plugin fixture"
    " encoding latency backoff replica shard cursor journal ledger migration rollback webhook scheduler"
).split()


@contextmanager
def scratch() -> Iterator[tuple[Path, dict[str, str]]]:
    """An empty directory and an environment in which the user's settings, and so their hooks and models, are not visible."""
    with tempfile.TemporaryDirectory(prefix="cg-benchmark-") as name:
        directory = Path(name)
        environment = {each: value for each, value in os.environ.items() if not each.startswith(("GIT_", "CG_", "PYTHON", "XDG_"))}
        environment |= {"HOME": name, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": str(directory / "gitconfig")}
        for role in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{role}_NAME": "Ann", f"GIT_{role}_EMAIL": "ann@example.com"}
        (directory / "gitconfig").write_text("[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n")
        yield directory, environment


def run(*command: str | Path, cwd: Path, environment: Mapping[str, str], accept: Sequence[int] = (0,)) -> str:
    """What a program prints. Ends the benchmark, with the program's own words, when it fails."""
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode not in accept:
        sys.exit(f"{' '.join(map(str, command))} -> {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def repository(path: Path, environment: Mapping[str, str], traces: int) -> Path:
    """A repository of so many commits, each with a recorded trace: every second holds a decision, every twentieth a supersession."""
    run("git", "init", "--quiet", path, cwd=path.parent, environment=environment)
    stream = "".join(_commit(number) for number in range(traces)) + "done\n"
    subprocess.run(["git", "fast-import", "--quiet", "--done"], cwd=path, env=dict(environment), input=stream.encode(), check=True)
    run("git", "reset", "--quiet", "--hard", "main", cwd=path, environment=environment)
    shas = run("git", "rev-list", "--reverse", "main", cwd=path, environment=environment).split()
    git = Git.discover(path, environment)
    tip = Store(git).write(None, {sha: {_record(sha, number)} for number, sha in enumerate(shas)})
    git.run("update-ref", NOTES_REF, tip)
    begin(git)
    return path


def _commit(number: int) -> str:
    subject = f"Change the {_word(number)} of the {_word(number * 7 + 3)} {number}"
    reason = f"The {_word(number * 3 + 1)} was slow under load, so the {_word(number * 5 + 2)} waits for the {_word(number * 11)}."
    body = f"{subject}\n\n{reason}\n"
    content = f"{number}\n"
    moment = f"Ann <ann@example.com> {START + 60 * number} +0000"
    return (
        f"commit refs/heads/main\nauthor {moment}\ncommitter {moment}\ndata {len(body)}\n{body}"
        f"M 100644 inline src/{_word(number)}/{_word(number * 13)}.py\ndata {len(content)}\n{content}\n"
    )


def _record(sha: str, number: int) -> bytes:
    at = event.moment(START + 60 * number)
    trace: dict[str, object] = {"branch": "main"}
    if number % 2 == 0:
        trace["decisions"] = [_decision(number)]
    return event.encode("recorded", at, "Ann <ann@example.com>", sha, {"trace": trace})


def _decision(number: int) -> dict[str, object]:
    choice = f"Keep the {_word(number)} beside the {_word(number * 3 + 1)}"
    decision: dict[str, object] = {
        "id": event.decision_id("benchmark", str(number)),
        "source": "authored",
        "context": f"Where does the {_word(number)} belong?",
        "options": [{"description": choice}],
        "selected": 0,
        "reasoning": f"The {_word(number * 5 + 2)} of step {number} is read far more often than it is written.",
        "rejected": [{"option": f"A {_word(number * 7 + 3)} of its own", "reason": "one more thing to keep in step"}],
    }
    if number % 20 == 0 and number:
        decision["supersedes"] = event.decision_id("benchmark", str(number - 2))
    return decision


def _word(number: int) -> str:
    return WORDS[number % len(WORDS)]


class Cost(NamedTuple):
    """What an action cost: seconds on the clock, and seconds of processor time of the programs that it ran."""

    wall: float
    processor: float


def paired(actions: Sequence[Callable[[], object]], rounds: int, pause: float = 0.0) -> list[list[Cost]]:
    """The cost of each action in each round, taken in turns after one round that does not count; `pause` seconds before each."""
    costs: list[list[Cost]] = [[] for _ in actions]
    for each in range(rounds + 1):
        for position, action in enumerate(actions):
            time.sleep(pause)
            started, used = time.perf_counter(), _children()
            action()
            if each:
                costs[position].append(Cost(time.perf_counter() - started, _children() - used))
    return costs


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def wall(costs: Sequence[Cost]) -> float:
    """The median on the clock, in milliseconds."""
    return 1000 * statistics.median(cost.wall for cost in costs)


def processor(costs: Sequence[Cost]) -> float:
    """The median of processor time, in milliseconds."""
    return 1000 * statistics.median(cost.processor for cost in costs)


def verdict(ratio: float, budget: float) -> str:
    return f"{ratio:5.2f}  (budget {budget}: {'kept' if ratio <= budget else 'MISSED'})"
