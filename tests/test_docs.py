"""The pages are held to the program: what there is stands on its page, and what stands there exists. Messages say what to write where."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer
from click.testing import CliRunner

from contextgraph import config
from contextgraph.cli import app
from tests.conftest import Repo

TOP = Path(__file__).parent.parent
DOCS = TOP / "docs"
PAGES = [TOP / "README.md", TOP / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
CODE = re.compile(r"`([^`\n]+)`")


def read(name: str) -> str:
    return (TOP / name).read_text(encoding="utf-8")


def tracked() -> list[str]:
    """The files of the repository, with what is staged; all files where this is no checkout of it."""
    listed = subprocess.run(["git", "-C", str(TOP), "ls-files", "-z"], capture_output=True, check=False)
    names = [name for name in listed.stdout.decode().split("\0") if name and (TOP / name).is_file()]
    return names or [str(path.relative_to(TOP)) for path in TOP.rglob("*") if path.is_file() and ".venv" not in path.parts]


def commands(group: click.Command, name: str = "cg") -> Iterator[tuple[str, click.Command]]:
    """Every command that can be typed, with its full name; groups themselves are not commands."""
    if not isinstance(group, click.Group):
        yield name, group
        return
    for word, command in group.commands.items():
        yield from commands(command, f"{name} {word}")


def spellings(command: click.Command) -> set[str]:
    return {spelling for each in command.params if isinstance(each, click.Option) for spelling in (*each.opts, *each.secondary_opts)}


PROGRAM = typer.main.get_command(app)
COMMANDS = dict(commands(PROGRAM))
HELP = {"-h", "--help"}
COMMON = set.intersection(*(spellings(command) for command in COMMANDS.values()))


def sections(page: str, level: str) -> dict[str, str]:
    """The text under each heading of that level, by the heading without backticks, down to the next heading of any level."""
    found = re.split(rf"^{level} (.+)$", page, flags=re.MULTILINE)[1:]
    return {
        title.replace("`", ""): re.split(r"^#{1,6} ", body, maxsplit=1, flags=re.MULTILINE)[0]
        for title, body in zip(found[::2], found[1::2], strict=True)
    }


def documented_options(section: str) -> set[str]:
    """The options in the first column of a section's table."""
    cells = [re.split(r"(?<!\\)\|", line)[1] for line in section.splitlines() if line.startswith("| `")]
    return {word for cell in cells for code in CODE.findall(cell) for word in code.split() if re.match(r"--?[A-Za-z]", word)}


PAGE = read("docs/commands.md")
SECTIONS = sections(PAGE, "###")


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_its_section(name: str) -> None:
    assert name in SECTIONS, (
        f'docs/commands.md has no section for `{name}`: write one under the heading "### `{name}`": what it does, a table '
        f"| option | does | of its own options, and a line `JSON: ` with the shape of its answer (or `none`)"
    )
    assert re.search(r"^JSON: ", SECTIONS[name], re.MULTILINE), (
        f'docs/commands.md, `{name}`: say the shape of its answer: "JSON: `{{…}}`" or "JSON: none"'
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_documented_and_exist(name: str) -> None:
    there, written = spellings(COMMANDS[name]) - COMMON, documented_options(SECTIONS.get(name, ""))
    assert not there - written, f"docs/commands.md, `{name}`: add a row to its table for {sorted(there - written)}"
    assert not written - there, f"docs/commands.md, `{name}`: it has no option {sorted(written - there)}; take the row out"


def test_sections_are_commands() -> None:
    strange = sorted(title for title in SECTIONS if title not in COMMANDS)
    assert not strange, f"docs/commands.md describes {strange}, which the program does not have"


def test_common_options() -> None:
    written = documented_options(sections(PAGE, "##")["Common options"])
    assert written == COMMON | HELP, f'docs/commands.md, "Common options": missing {COMMON - written}, not there {written - COMMON - HELP}'
    written = documented_options(sections(PAGE, "##")["cg"])
    assert written == spellings(PROGRAM) | HELP, f'docs/commands.md, "cg": has {sorted(written)}, the program {sorted(spellings(PROGRAM))}'


def exit_codes() -> set[int]:
    """Every number that a command or the error edge ends with, and that of each error."""
    found: set[int] = set()
    for path in sorted((TOP / "contextgraph" / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and isinstance(node.returns, ast.Name) and node.returns.id == "int":
                returned = [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value is not None]
                found |= {
                    each.value
                    for value in returned
                    for each in ast.walk(value)
                    if isinstance(each, ast.Constant)
                    and type(each.value) is int
                    and not _inside(value, each, (ast.Call, ast.Compare, ast.Subscript))
                }
                found |= {
                    each.args[2].value
                    for value in returned
                    for each in ast.walk(value)
                    if isinstance(each, ast.Call)
                    and len(each.args) > 2
                    and isinstance(each.args[2], ast.Constant)
                    and type(each.args[2].value) is int
                }
    return found | {2}


def _inside(top: ast.expr, wanted: ast.expr, kinds: tuple[type[ast.expr], ...]) -> bool:
    return any(isinstance(node, kinds) and node is not wanted and wanted in ast.walk(node) for node in ast.walk(top))


def test_exit_codes() -> None:
    written = {int(code) for code in re.findall(r"^\| (\d+) \|", sections(PAGE, "##")["Exit codes"], re.MULTILINE)}
    assert not exit_codes() - written, f'docs/commands.md, "Exit codes": add a row for {sorted(exit_codes() - written)}'
    known = {0, 1, 2, 70, 130} | ({3} if "cg check" in COMMANDS else set())
    assert written == known, f'docs/commands.md, "Exit codes": rows {sorted(written)}, codes of the program {sorted(known)}'


ANSWERS = {
    "cg init": ("init", "--no-model"),
    "cg model info": ("model", "info"),
    "cg config list": ("config", "list"),
    "cg config get": ("config", "get", "search.limit"),
    "cg decide": ("decide",),
    "cg why": ("why", "HEAD"),
    "cg search": ("search", "base"),
    "cg log": ("log",),
    "cg status": ("status",),
    "cg track": ("track",),
    "cg doctor": ("doctor",),
    "cg refresh": ("refresh",),
    "cg check": ("check", "HEAD"),
}
"""How to get an answer in JSON out of each command that has one; another command may be added here."""


@pytest.mark.parametrize("name", ANSWERS)
def test_shape_of_the_answer(name: str, graphed: Repo) -> None:
    line = re.search(r"^JSON: `\{([^`]*?)\}`", SECTIONS[name], re.MULTILINE)
    assert line, f"docs/commands.md, `{name}`: the shape of its answer is missing"
    answer = json.loads(graphed.cg(*ANSWERS[name], "--json", code=None).stdout)
    assert line[1].split(", ") == list(answer), f"docs/commands.md, `{name}`: the answer is {{{', '.join(answer)}}}"


def test_every_setting_and_variable() -> None:
    page = read("docs/config.md")
    rows = dict(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| .*? \| (.*?) \|", page, re.MULTILINE))
    missing, strange = sorted(set(config.KEYS) - set(rows)), sorted(set(rows) - set(config.KEYS))
    assert not missing, f'docs/config.md, "Keys": add a row | `key` | type | `default` | what it does | policy file | for {missing}'
    assert not strange, f"docs/config.md describes {strange}, which are no settings"
    for name, default in rows.items():
        shown = config.KEYS[name].default
        text = "" if shown in ("", []) else str(shown).lower() if isinstance(shown, bool) else str(shown)
        assert default.strip("`") == (text or "empty"), f"docs/config.md: the default of `{name}` is {text or 'empty'}"
    known = {key.variable for key in config.KEYS.values()} | config.VARIABLES
    written = set(re.findall(r"\bCG_[A-Z_]*[A-Z]\b", sections(page, "##")["Variables"]))
    assert written == known, f'docs/config.md, "Variables": missing {sorted(known - written)}, unknown {sorted(written - known)}'


def test_variables_named_elsewhere_are_known() -> None:
    known = {key.variable for key in config.KEYS.values()} | config.VARIABLES
    for page in PAGES:
        found = set(re.findall(r"\bCG_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))
        assert found <= known, f"{page.name} names {sorted(found - known)}, which mean nothing to the program"


def test_links_resolve() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.is_file(), f"{page.relative_to(TOP)} links to {target}, which is not there"
            if anchor:
                assert anchor in _anchors(file), f"{page.relative_to(TOP)} links to {target}, and {file.name} has no such heading"


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_is_reached_from_the_index() -> None:
    for page in DOCS.glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in read("docs/index.md"), f"docs/index.md has no link to {page.name}"


def test_nothing_of_this_machine_and_no_package_host() -> None:
    # Put together here, so that this file passes its own test.
    hosts = ["py" + "pi.org", "python" + "hosted.org", "test.py" + "pi", "hugging" + "face.co", "npm" + "js.org", "crates" + ".io"]
    machine = [str(TOP) + "/", str(Path.home()) + "/" if len(str(Path.home())) > 6 else "/ro" + "ot/", "/wo" + "rk/"]
    for name in tracked():
        text = (TOP / name).read_bytes().decode("utf-8", "replace")
        found = [word for word in (*hosts, *machine) if word in text]
        assert not found, f"{name} names {found}: a package host or a path of one machine has no place in the repository"


ARCHITECTURE = read("docs/architecture.md")


def test_no_conflict_was_committed() -> None:
    marks = re.compile(rb"^(?:<{7}|>{7}) ", re.MULTILINE)
    assert [name for name in tracked() if marks.search((TOP / name).read_bytes())] == []


def test_every_module_has_its_line() -> None:
    named = {code for code in CODE.findall(ARCHITECTURE) if re.fullmatch(r"contextgraph/[\w/]+\.py", code)}
    there = {name for name in tracked() if name.startswith("contextgraph/") and name.endswith(".py")}
    missing = sorted(there - named)
    assert not missing, f'docs/architecture.md, "Rooms": add a line | `path` | what it holds | on the right floor for {missing}'
    gone = sorted(name for name in named if not (TOP / name).is_file())
    assert not gone, f"docs/architecture.md names {gone}, which are not there"
    folders = {code for code in CODE.findall(ARCHITECTURE) if re.fullmatch(r"(contextgraph|hooks|tests|benchmarks)/[\w/]*/?", code)}
    strange = sorted(name for name in folders - {"contextgraph/hooks"} if not (TOP / name).is_dir())
    assert not strange, f"docs/architecture.md names {strange}, which are not there"


def rooms() -> dict[str, int]:
    """Each module with the number of its row under "Rooms": the order in which they may know each other."""
    rows = re.findall(r"^\| (`contextgraph/.*?) \|", re.split(r"^## ", ARCHITECTURE, flags=re.MULTILINE)[2], re.MULTILINE)
    return {code: number for number, row in enumerate(rows) for code in CODE.findall(row)}


def imported(module: str, known: dict[str, int]) -> set[str]:
    """The modules of ours that a module imports, inside functions too; a package itself is its `__init__.py`."""
    names = {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in known}
    found: set[str] = set()
    for node in ast.walk(ast.parse(read(module))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{each.name}" for each in node.names}
            found |= {name if name in names else node.module for name in inner}
    return {names[name] for name in found & names.keys()} - {module}


@pytest.mark.parametrize("module", [name for name in rooms() if (TOP / name).is_file()])
def test_room_imports_only_rooms_above_it(module: str) -> None:
    known = rooms()
    own = module.split("/")[1]  # inside a package the order is free
    below = sorted(name for name in imported(module, known) if known[name] > known[module] and name.split("/")[1] != own)
    assert not below, (
        f'{module} imports {below}, which stand below it in docs/architecture.md, "Rooms": move its row below theirs if it is of the same '
        f"floor or a lower one; else the import goes the wrong way"
    )


IMPORTED_AS = {"gitpython": "git", "tomli-w": "tomli_w", "detect-secrets": "detect_secrets", "google-re2": "re2"}
ROWS = dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", sections(ARCHITECTURE, "##")["Which package does what"], re.MULTILINE))


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    asked = [*project["project"]["dependencies"], *(each for each in project["dependency-groups"]["dev"] if each.startswith("pygit2"))]
    declared = {re.split(r"[<>=~!\[ ]", each)[0].lower() for each in asked}
    missing, strange = sorted(declared - set(ROWS)), sorted(set(ROWS) - declared)
    assert not missing, f'docs/architecture.md, "Which package does what": add a row | `package` | `its room`: the reason | for {missing}'
    assert not strange, f"docs/architecture.md explains {strange}, which pyproject.toml does not ask for"


@pytest.mark.parametrize("package", ROWS)
def test_dependency_is_used_where_the_page_says(package: str) -> None:
    named = [code for code in CODE.findall(ROWS[package]) if code.startswith(("contextgraph/", "tests/"))]
    name = IMPORTED_AS.get(package, package)
    pattern = re.compile(rf"^\s*(import|from) {name}\b|import_module\(f?[\"']{name}\b", re.MULTILINE)
    users = {name for name in tracked() if name.endswith(".py") and pattern.search(read(name))}
    idle = [place for place in named if not any(name == place or (place.endswith("/") and name.startswith(place)) for name in users)]
    assert not idle, f"docs/architecture.md says that {package} is used in {idle}; it is imported in {sorted(users)}"
    if not named:
        assert not users, f"docs/architecture.md names no room for {package}, and it is imported in {sorted(users)}"


def test_the_python_example_writes_what_cg_reads(graphed: Repo, tmp_path: Path) -> None:
    example = re.search(r"^```python\n(.*?)^```$", read("docs/trace-format.md"), re.MULTILINE | re.DOTALL)
    assert example, "docs/trace-format.md has no Python example"
    program = tmp_path / "write.py"
    program.write_text(example[1], encoding="utf-8")
    graphed.cg("decide", "kept as it is", "--commit", "HEAD")
    before = set(graphed.note())
    graphed.run(sys.executable, str(program), "HEAD", 'wörds from elsewhere "quoted"')
    assert before < set(graphed.note()) and len(graphed.note()) == len(before) + 1
    assert graphed.note() == sorted(graphed.note(), key=str.encode)
    answer = json.loads(graphed.cg("why", "HEAD", "--json").stdout)
    assert {each["context"] for each in answer["trace"]["decisions"]} >= {'wörds from elsewhere "quoted"'}
    assert "confidence" in graphed.cg("why", "HEAD").stdout
    status = json.loads(graphed.cg("status", "--json").stdout)
    assert status["notes"]["foreign_lines"] == 0, "the line of the example does not verify"
    paths = graphed.git("ls-tree", "-r", "--name-only", "refs/notes/contextgraph").splitlines()
    assert paths == [f"{graphed.sha()[:2]}/{graphed.sha()[2:]}"]


def test_the_words_of_trailers_are_documented() -> None:
    from contextgraph.capture import trailers

    table = sections(read("docs/trace-format.md"), "##")["Decisions in commit messages"].lower()
    for word in sorted(trailers.OURS | set(trailers.ALIASES)):
        assert re.search(rf"`{word}[:`]", table), f'docs/trace-format.md, "Decisions in commit messages": `{word}` is missing'


@pytest.mark.parametrize("name", ["cg", "cg config", "cg model", *COMMANDS])
def test_help_is_whole_at_80_columns(name: str) -> None:
    lines = CliRunner().invoke(PROGRAM, [*name.split()[1:], "-h"], terminal_width=80).output.splitlines()
    assert lines, f"`{name} -h` says nothing"
    long, cut = [line for line in lines if len(line) > 80], [line for line in lines if re.match(r"  [a-z]+ .*\.\.\.$", line)]
    assert not long, f"`{name} -h` has lines of more than 80 characters: {long}"
    assert not cut, f"`{name} -h` cuts {cut}: let the docstring begin with a line of at most 60 characters, and the rest follow below"
