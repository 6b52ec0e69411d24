"""The labelled corpus of `cg check`: cases made from tests/data/check/worlds.toml, run in real repositories, and scored.

Run as a program it prints the table of docs/check.md; tests hold the figures to their floor.
"""

import math
import subprocess
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from contextgraph import check
from contextgraph.capture import trailers
from contextgraph.check.policy import of_config
from contextgraph.commits import Commit
from contextgraph.git import Git
from contextgraph.graph import Graph

WORLDS = Path(__file__).parent / "data" / "check" / "worlds.toml"
NOW = 1_767_225_600
Files = Mapping[str, str | None]
Commits = Sequence[tuple[str, Files]]


class World(msgspec.Struct, frozen=True):
    name: str
    path: str
    base: str
    decision: str
    rejected: str
    reason: str
    guard: str
    honoured: str
    violated: str
    mentioned: str
    hit: str
    feature: str

    @property
    def message(self) -> str:
        return f"Begin {self.name}\n\nDecision: {self.decision}\nRejected: {self.rejected} | {self.reason}\nGuard: {self.guard}"

    def beside(self, name: str) -> str:
        """Another file in the same folder, in the same language."""
        folder, _, own = self.path.rpartition("/")
        return f"{folder}/{name}.{own.rpartition('.')[2]}"


class Case(msgspec.Struct, frozen=True):
    """`before` and `after` are (message, files) of the commits on main and of the range; `expected` is a rule, or nothing.

    `{feature}`, `{revert}` and `{decision}` in a message become the ids of those commits and of the decision.
    """

    world: World
    kind: str
    expected: str | None
    before: Commits
    after: Commits

    @property
    def name(self) -> str:
        return f"{self.world.name}: {self.kind}"


def cases() -> Iterator[Case]:
    """Fifteen of each world: what must be said in five of them, and ten times that nothing may be."""
    for world in worlds():
        begun: Commits = [("Begin", {"README.md": f"# {world.name}\n"}), (world.message, {world.path: world.base.lstrip()})]
        old = world.beside("legacy")
        both = world.violated + world.hit
        former: Commits = [*begun[:1], ("Old code", {old: both}), begun[1]]
        new = world.beside("feature")
        undone: Commits = [*begun, (f"Add {world.name}", {new: world.feature}), (_REVERT, {new: None})]
        base = world.base.lstrip()
        docs: Files = {f"docs/{world.name}.md": f"# Why not {world.rejected}\n\nBecause {world.reason}.\n\n```\n{both}```\n"}
        yield Case(world, "honoured", None, begun, [("More", {world.path: base + world.honoured})])
        yield Case(world, "violated", "rejected", begun, [("More", {world.path: base + world.violated})])
        yield Case(world, "merely mentioned", None, begun, [("More", {world.path: base + world.mentioned})])
        yield Case(world, "written about", None, begun, [("Write it down", docs)])
        yield Case(world, "decision cited", None, begun, [("More\n\nKnowing {decision}.", {world.path: base + world.violated})])
        yield Case(world, "guard hit", "guard", begun, [("More", {world.beside("more"): world.hit})])
        yield Case(world, "moved", None, former, [("Tidy up", {old: "\n", world.path: base + both})])
        yield Case(world, "renamed", None, former, [("Rename", {old: None, world.beside("current"): both + world.honoured})])
        yield Case(world, "reverted and returned", "reintroduced", undone, [("Better", {new: world.feature})])
        yield Case(world, "returned elsewhere in part", "returning", undone, [("Better", {world.beside("other"): _edited(world.feature)})])
        yield Case(world, "returned knowingly", None, undone, [("Again, now that {revert} is understood", {new: world.feature})])
        yield Case(world, "other work on the same file", None, undone, [("Other", {new: world.honoured})])
        risky: Commits = [*begun, (f"{_RISKY}{world.name}\n\nDecision: This way and no other\nRisk: high", {new: world.feature})]
        yield Case(world, "high-risk code taken out", "removed", risky, [("Simplify", {new: world.honoured})])
        yield Case(world, "high-risk code edited", None, risky, [("Better", {new: _edited(world.feature)})])
        yield Case(world, "high-risk code moved", None, risky, [("Tidy up", {new: None, world.beside("moved"): world.feature})])


_RISKY = "Begin the feature of "
_REVERT = 'Revert "Add it"\n\nThis reverts commit {feature}.'


def _edited(text: str) -> str:
    """The text with every fourth line changed."""
    return "\n".join(f"{line} " + line[::-1].strip() if number % 4 == 3 else line for number, line in enumerate(text.split("\n")))


def worlds() -> list[World]:
    tables = tomllib.loads(WORLDS.read_text(encoding="utf-8"))["world"]
    return msgspec.convert(tables, list[World])


class Writer:
    """A repository written by one `git fast-import`, commit after commit."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(path)], env=environment, check=True)
        command = ["git", "-C", str(path), "fast-import", "--quiet", "--done"]
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.clock = NOW
        self.mark = 0

    def commit(self, branch: str, message: str, files: Files) -> str:
        assert self.process.stdin and self.process.stdout
        self.clock += 3600
        self.mark += 1
        body = message.encode()
        lines = [f"commit refs/heads/{branch}", f"mark :{self.mark}", f"committer Ann <ann@example.com> {self.clock} +0000"]
        data = "\n".join([*lines, f"data {len(body)}"]).encode() + b"\n" + body + b"\n"
        data += f"from :{self.mark - 1}\n".encode() if self.mark > 1 else b""
        for path, content in files.items():
            text = (content or "").encode()
            data += f"D {path}\n".encode() if content is None else f"M 100644 inline {path}\ndata {len(text)}\n".encode() + text + b"\n"
        self.process.stdin.write(data + f"get-mark :{self.mark}\n".encode())
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().strip()

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"done\n")
        self.process.stdin.close()
        assert self.process.wait() == 0


def run(case: Case, path: Path, environment: Mapping[str, str]) -> set[str]:
    """The rules that the check names in this case, notes left out."""
    writer = Writer(path, environment)
    known = {"feature": "", "revert": "", "decision": ""}
    for branch, commits in (("main", case.before), ("feature", case.after)):
        for message, files in commits:
            if branch == "feature" and "{decision}" in message:
                known["decision"] = _decision(case.world, writer.clock)
            sha = writer.commit(branch, _filled(message, known), files)
            known["feature" if message.startswith("Add ") else "revert" if message == _REVERT else ""] = sha
    writer.close()
    git = Git.discover(path, environment)
    git.run("symbolic-ref", "HEAD", "refs/heads/feature")
    graph = Graph(git, environment)
    graph.catch_up()
    report = check.check(graph.view, "", graph.resolve("HEAD"), of_config(graph.config), check.Sight({}, {}), [], "2026-02-01")
    graph.database.connection.close()
    assert not report.reasons, report.reasons
    return {each.rule for each in report.findings if each.level != "note"}


def _filled(message: str, known: Mapping[str, str]) -> str:
    for name in ("feature", "revert", "decision"):
        message = message.replace("{" + name + "}", known[name])
    return message


def _decision(world: World, clock: int) -> str:
    """The id of the world's decision, which was committed last on main."""
    who = "Ann <ann@example.com>"
    commit = Commit("0" * 40, (), who, who, clock, clock, world.message)
    return trailers.decisions(commit)[0].id or ""


class Score(msgspec.Struct):
    """True and false findings, and what was missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> tuple[float, float, float]:
        return interval(self.right, self.right + self.wrong)

    @property
    def recall(self) -> tuple[float, float, float]:
        return interval(self.right, self.right + self.missed)


def interval(hits: int, of: int) -> tuple[float, float, float]:
    """A share with its 95 % interval (Wilson)."""
    if not of:
        return 0.0, 0.0, 1.0
    z, share = 1.96, hits / of
    middle, spread = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return share, (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)


def score(environment: Mapping[str, str], folder: Path) -> tuple[dict[str, Score], list[str]]:
    """The score of each rule, and each case that went wrong, in words."""
    scores: dict[str, Score] = {}
    words: list[str] = []
    for number, case in enumerate(cases()):
        found = run(case, folder / str(number), environment)
        wanted = {case.expected} - {None}
        for rule in found | wanted:
            each = scores.setdefault(str(rule), Score())
            each.right += rule in found and rule in wanted
            each.wrong += rule not in wanted
            each.missed += rule not in found
        if found != wanted:
            words.append(f"{case.name}: wanted {sorted(map(str, wanted)) or 'nothing'}, found {sorted(found) or 'nothing'}")
    return scores, words


def main() -> None:
    import os

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CONFIG_HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
        scores, words = score(environment, Path(folder))
    kinds = Counter(case.kind for case in cases())
    print(f"{sum(kinds.values())} cases, {len(kinds)} kinds")
    for rule, each in sorted(scores.items()):
        shares = [f"{share:.0%} ({low:.0%} to {high:.0%})" for share, low, high in (each.precision, each.recall)]
        print(f"  {rule:<13} precision {shares[0]}, recall {shares[1]}; right {each.right}, wrong {each.wrong}, missed {each.missed}")
    for line in words:
        print(f"  - {line}")


if __name__ == "__main__":
    main()
