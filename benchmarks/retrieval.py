"""How often the right commit is on the first screen: MRR@10, Recall@10 and nDCG@10 of `cg search`, with what git and BM25 find.

    python benchmarks/retrieval.py eval DIR/black DIR/pytest          sets DIR/NAME.docs.jsonl.gz and DIR/NAME.queries.tsv
    python benchmarks/retrieval.py paraphrased CLONES                 questions of data/paraphrased.tsv; clones at CLONES/OWNER/NAME
    python benchmarks/retrieval.py paraphrased CLONES --file SET.tsv  another set: kind, repository, commit, question

An eval set becomes a repository by `git fast-import` (message = subject and body, one small file for each path). Work is kept in
--work DIR, so a second run embeds nothing. Every question goes through `Graph.search`, as the command line does; `--check N` of them go
through `cg search --json` as well and must answer the same. A question counts at the best rank of its targets. Intervals: 95 %,
bootstrap over questions.
"""

import argparse
import gzip
import json
import math
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from contextgraph.graph import Graph
from contextgraph.index import text
from contextgraph.query.filters import Filters

TOP = 10


class Asked(msgspec.Struct, frozen=True):
    kind: str
    question: str
    targets: frozenset[str]
    without: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("set", choices=["eval", "paraphrased"])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--file", type=Path, default=Path(__file__).with_name("data") / "paraphrased.tsv")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "contextgraph-retrieval")
    parser.add_argument("--limit", type=int, default=0, help="only so many questions of each repository")
    parser.add_argument("--half", choices=["tuned", "held-out"], help="the questions whose commit begins with an even, or an odd, byte")
    parser.add_argument("--words-only", action="store_true", help="without vectors")
    parser.add_argument("--baselines", action="store_true", help="also git log --grep and plain BM25")
    parser.add_argument("--check", type=int, default=0, metavar="N", help="N questions through the command line too")
    options = parser.parse_args()
    if options.words_only:
        os.environ["CG_INDEX_VECTORS"] = "false"
    ranks: dict[str, dict[str, list[int]]] = {}
    for name, directory, questions in _sets(options):
        graph = _indexed(directory, options.words_only)
        systems: dict[str, Callable[[Asked], list[str]]] = {"cg search": lambda asked, graph=graph: found(graph, asked)}  # type: ignore[misc]
        if options.baselines:
            systems["git log --grep"] = lambda asked, directory=directory: grep(directory, asked)  # type: ignore[misc]
            systems["plain BM25"] = lambda asked, graph=graph: bm25(graph, asked)  # type: ignore[misc]
        for position, asked in enumerate(questions):
            for system, answer in systems.items():
                shown = [sha for sha in answer(asked) if sha != asked.without][:TOP]
                rank = next((place for place, sha in enumerate(shown, 1) if sha in asked.targets), 0)
                for group in (name, asked.kind) if options.set == "paraphrased" else (name,):
                    ranks.setdefault(group, {}).setdefault(system, []).append(rank)
                if options.set == "paraphrased":
                    ranks.setdefault("all", {}).setdefault(system, []).append(rank)
            if position < options.check:
                _same(directory, graph, asked)
    for group, by_system in ranks.items():
        for system, places in by_system.items():
            print(f"{group:28} {system:16} {len(places):4} questions  {figures(places)}")


def _sets(options: argparse.Namespace) -> Iterator[tuple[str, Path, list[Asked]]]:
    if options.set == "eval":
        for path in options.paths:
            directory, names = built(path, options.work)
            yield path.name, directory, _chosen(_queries(path, names), options)
        return
    rows = [line.split("\t") for line in options.file.read_text(encoding="utf-8").splitlines()[1:]]
    for repository in dict.fromkeys(row[1] for row in rows):
        directory = options.work / "clones" / repository.replace("/", "+")
        if not directory.exists():
            _git("clone", "-q", "--no-checkout", str((options.paths[0] / repository).absolute()), str(directory))
        questions = [Asked(kind, question, frozenset(commit.split(","))) for kind, home, commit, question in rows if home == repository]
        yield repository, directory, _chosen(questions, options)


def _chosen(questions: list[Asked], options: argparse.Namespace) -> list[Asked]:
    if options.half:
        odd = options.half == "held-out"
        questions = [each for each in questions if int(min(each.targets)[:2], 16) % 2 == odd]
    return random.Random(1).sample(questions, options.limit) if 0 < options.limit < len(questions) else questions


def built(path: Path, work: Path) -> tuple[Path, dict[str, str]]:
    """A bare repository of the documents of a set, and the name of each document's commit in it."""
    directory = work / path.name
    with gzip.open(f"{path}.docs.jsonl.gz", "rt", encoding="utf-8") as stream:
        documents = [json.loads(line) for line in stream][::-1]  # newest first in the file
    marks = directory / "marks"
    if not marks.exists():
        _git("init", "-q", "--bare", "-b", "main", str(directory))
        command = ["git", "-C", str(directory), "fast-import", "--quiet", "--date-format=raw", f"--export-marks={marks.absolute()}"]
        subprocess.run(command, input=b"".join(_commands(documents)), check=True)
    names = dict(line.split() for line in marks.read_text().splitlines())
    return directory, {each["sha"]: names[f":{mark}"] for mark, each in enumerate(documents, 1)}


def _commands(documents: list[dict[str, object]]) -> Iterator[bytes]:
    for mark, each in enumerate(documents, 1):
        message = f"{each['subject']}\n\n{each['body']}".strip().encode()
        yield f"commit refs/heads/main\nmark :{mark}\ncommitter A <a@example.com> {each['ts']} +0000\n".encode()
        yield f"data {len(message)}\n".encode() + message + b"\n"
        for name in list(each["files"]):  # type: ignore[call-overload]
            yield f"M 100644 inline {json.dumps(name, ensure_ascii=False)}\ndata {len(str(mark))}\n{mark}\n".encode()


def _queries(path: Path, names: dict[str, str]) -> list[Asked]:
    found = []
    for line in Path(f"{path}.queries.tsv").read_text(encoding="utf-8").splitlines():
        _, targets, without, question = line.split("\t")
        found.append(Asked(path.name, question, frozenset(names[each] for each in targets.split(",")), names.get(without, "")))
    return found


def _indexed(directory: Path, words_only: bool) -> Graph:
    graph = Graph.open(directory)
    graph.catch_up()
    if not words_only:
        graph.embed(lambda phase, done, total: print(f"\r{phase} {done} of {total}", end="", file=sys.stderr))
        print(file=sys.stderr)
    if graph.reasons:
        print("; ".join(graph.reasons), file=sys.stderr)
    return graph


def found(graph: Graph, asked: Asked) -> list[str]:
    answer = graph.search(asked.question, Filters(), TOP + 1, details=False)
    return [result.trace.sha or "" for result in answer.results]


def bm25(graph: Graph, asked: Asked) -> list[str]:
    words = text.terms(asked.question)
    rows = graph.database.connection.execute(
        "SELECT c.sha FROM words JOIN commits c ON c.id = words.rowid WHERE words MATCH ? ORDER BY bm25(words, 1, 1, 0) LIMIT ?",
        (text.match(words), TOP + 1),
    )
    return [sha for (sha,) in rows] if words else []


def grep(directory: Path, asked: Asked) -> list[str]:
    """`git log --grep` as somebody patient would use it: all words, then without the shortest, until something is found."""
    words = sorted(text.terms(asked.question), key=lambda word: -len(word))
    while words:
        patterns = [f"--grep={word}" for word in words]
        shown = _git("-C", str(directory), "log", "-i", "-F", "--all-match", *patterns, "--format=%H", f"-{TOP + 1}", "HEAD").split()
        if shown:
            return shown
        words.pop()
    return []


def _same(directory: Path, graph: Graph, asked: Asked) -> None:
    command = [sys.executable, "-m", "contextgraph", "search", "--json", "-n", str(TOP + 1), "-C", str(directory), "--", asked.question]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    shown = [result["trace"]["sha"] for result in json.loads(done.stdout)["results"]]
    if shown != found(graph, asked):
        sys.exit(f"the command line answers otherwise: {asked.question}")


def figures(ranks: list[int]) -> str:
    """The three figures over ranks (0: not among the ten), each with its interval."""
    measures = {
        "MRR@10": [1 / rank if rank else 0.0 for rank in ranks],
        "Recall@10": [1.0 if rank else 0.0 for rank in ranks],
        "nDCG@10": [1 / math.log2(rank + 1) if rank else 0.0 for rank in ranks],
    }
    return "  ".join(f"{name} {sum(each) / len(each):.3f} [{_interval(each)}]" for name, each in measures.items())


def _interval(values: list[float]) -> str:
    chance = random.Random(1)
    means = sorted(sum(chance.choices(values, k=len(values))) / len(values) for _ in range(1000))
    return f"{means[25]:.3f} {means[974]:.3f}"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True, errors="replace").stdout


if __name__ == "__main__":
    main()
