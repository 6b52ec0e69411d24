"""The house as it stands: a room imports only rooms on the floors below it, or earlier on its own; the worker stays light."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import contextgraph

HOUSE = Path(contextgraph.__file__).parent

# The one statement of the floors, lowest first. A name is a module, or a package with all that is in it; inside a package the
# modules need only be free of circles. A new room gets its place here, and its reason in docs/architecture.md.
FLOORS = {
    "values: what things are": "__init__ errors strictjson activity trace event filekind given secrets fold claims lock config",
    "doors: each opens on one outside thing": (
        "environment git promised commits refs registry journal tombstones notetree notes merge transfer embed index"
    ),
    "rules: no terminal, no printing": (
        "capture status query lag sync pushes deepen transcript lifecycle purge meaning refill check catchup"
    ),
    "the whole system": "repository upkeep graph sharing landed everywhere",
    "what faces share": "refspec hookfiles confighooks gitconfig install doctor ui evidence render report",
    "faces": "worker cli __main__",
}
PLACES = {room: place for place, room in enumerate(room for floor in FLOORS.values() for room in floor.split())}

# `if TYPE_CHECKING:` imports name types and load nothing: a lower room may say what it is handed by a higher one without
# depending on it when it runs. They are the one exemption; function-local imports are none, they run.
HEAVY = ("chromadb", "onnxruntime", "numpy", "pygit2", "git", "typer", "rich", "pydantic", "tokenizers", "onnx", "safetensors")


def modules() -> dict[str, Path]:
    """Every module by its name below `contextgraph`: `graph`, `index.database`; a package by its own name: `index`."""
    found = {}
    for path in sorted(HOUSE.rglob("*.py")):
        parts = path.relative_to(HOUSE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found[name] = path
    return found


def imports(nodes: Iterable[ast.AST]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import statement that can run, those inside functions too."""
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imports(node.orelse)
        else:
            yield from imports(ast.iter_child_nodes(node))


def wanted(name: str, path: Path) -> Iterator[str]:
    """The rooms of ours that a module imports, as names below `contextgraph`."""
    known = modules()
    for statement in imports([ast.parse(path.read_text(encoding="utf-8"))]):
        if isinstance(statement, ast.Import):
            targets = [alias.name for alias in statement.names]
        else:
            assert statement.level == 0, f"{name}: a relative import in line {statement.lineno}; rooms are named in full"
            targets = [f"{statement.module}.{alias.name}" for alias in statement.names]
        for target in targets:
            head, _, rest = target.partition(".")
            if head != "contextgraph":
                continue
            while rest and rest not in known:
                rest = rest.rpartition(".")[0]
            yield rest or "__init__"


def room(name: str) -> str:
    return name.partition(".")[0]


def test_every_room_has_its_place_and_only_one() -> None:
    places = [entry for floor in FLOORS.values() for entry in floor.split()]
    assert len(places) == len(set(places))
    homeless = {room(name) for name in modules()} - set(places)
    assert not homeless, "give each its place in FLOORS"


@pytest.mark.parametrize("name", modules())
def test_a_room_imports_only_what_is_below_it(name: str) -> None:
    mine = PLACES[room(name)]
    upwards = [each for each in wanted(name, modules()[name]) if room(each) != room(name) and PLACES[room(each)] > mine]
    assert not upwards, f"{name} imports {', '.join(upwards)} from a floor above, or from later on its own"


def test_no_module_imports_itself_over_others() -> None:
    graph = {name: {target for target in wanted(name, path) if target not in (name, "__init__")} for name, path in modules().items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


def test_the_walk_sees_local_imports_and_passes_over_those_for_types_alone() -> None:
    source = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from contextgraph.cli import a\nelse:\n    from contextgraph import graph\n"
        "def f():\n    with x:\n        import contextgraph.worker\n"
    )
    assert [ast.unparse(each) for each in imports([ast.parse(source)])] == [
        "from typing import TYPE_CHECKING",
        "from contextgraph import graph",
        "import contextgraph.worker",
    ]


def test_the_worker_loads_nothing_heavy() -> None:
    script = f"import sys, contextgraph.worker; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", modules())
def test_no_room_imports_a_heavy_package_at_its_top(name: str) -> None:
    tree = ast.parse(modules()[name].read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    loaded = {alias.name.partition(".")[0] for node in top if isinstance(node, ast.Import) for alias in node.names}
    loaded |= {(node.module or "").partition(".")[0] for node in top if isinstance(node, ast.ImportFrom)}
    terminal = {"typer", "rich"} if room(name) in ("cli", "render", "ui", "report") else set()  # the worker comes by none of them
    assert not loaded & set(HEAVY) - terminal
