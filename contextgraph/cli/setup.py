"""init, uninstall: the commands that set a repository up and take that back."""

import os
import shutil
import sys
from contextlib import suppress
from typing import Annotated

import typer

from contextgraph import capture, gitconfig, install, refspec, registry
from contextgraph.cli.common import Session, command
from contextgraph.cli.settings import install_model, start_embedding
from contextgraph.errors import Error, UsageError
from contextgraph.git import NOTES_REF
from contextgraph.ui import counted

DERIVED = (
    "index.lock",
    "compare.lock",
    "seen",
    "reminded",
    "index.db",
    "index.db-wal",
    "index.db-shm",
    "chroma",
    "chroma.lock",
    "embeddings.db",
    "lock",
    "capture.lock",
    "staged.lock",
    "install.lock",
    "embed.lock",
    "published",
    "log",
    "waiting",
)


def register(app: typer.Typer) -> None:
    command(app, epilog="\b\nExample:\n  cg init --no-model")(init)
    command(app, epilog="\b\nExample:\n  cg uninstall")(uninstall)


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
    if branch and not any(
        graph.git.maybe("rev-parse", "-q", "--verify", f"{base}/{branch}") for base in ("refs/heads", "refs/remotes/origin")
    ):
        raise UsageError(f"--branch: there is no branch `{branch}` here, nor at origin", "`git branch --all` lists them")
    changes = [*install.install(graph.git, branch), *refspec.add(graph.git, graph.settings)]
    fresh = capture.seen(graph.git.home) is None
    capture.begin(graph.git)
    if fresh:
        recorded = "" if install.is_idle(graph.git) else "; commits made from now on are recorded"
        changes.append(f"what is here now counts as history{recorded} ({graph.git.home})")
    for change in changes:
        say(change)
    hooks = install.look(graph.git)
    if hooks.reason:
        say(hooks.reason)
    try:
        registry.add(os.environ, graph.git.top or graph.git.common_dir)
    except Error as error:
        say(f"`cg search --everywhere` will not know this repository: {error.message}")
    graph = session.open()
    with session.terminal.progress() as tick:
        graph.catch_up(lambda phase, done: tick(phase, done, None), history=not no_history)
    if graph.target:
        say(f"target branch: {graph.target.name}")
    for reason in graph.reasons:
        say(reason)
    if not no_history:
        say(f"{counted(graph.counts()['commits'], 'commit')} indexed")
    if not no_model:
        _offer_model(session)
    if not no_history:
        start_embedding(session, graph)
    say("ready" if changes else "nothing to change: ready")
    session.answer({"changes": changes, "hooks": hooks})
    return 0


def _offer_model(session: Session) -> None:
    """Without a model everything works by words. A download is never a surprise: it is asked for, or left."""
    from contextgraph.embed import model

    if model.info() is not None:
        return
    if sys.stdin.isatty() and session.terminal.err.is_terminal:
        if typer.confirm("Install the embedding model (a download of 90 MB, 23 MB on disk) to search by meaning as well?", err=True):
            install_model(session, None)
    else:
        session.terminal.say("search works by words; `cg model install` adds search by meaning (a download of 90 MB, once a user)")


def uninstall(
    session: Session,
    purge_local: Annotated[bool, typer.Option("--purge-local", help="Delete notes, journal and settings here as well. For good.")] = False,
) -> int:
    """Take back exactly what init did.

    The notes and your own settings stay, unless --purge-local.
    """
    graph = session.open()
    changes = [*refspec.remove(graph.git, graph.settings), *install.uninstall(graph.git, settings=purge_local)]
    registry.remove(os.environ, graph.git.top or graph.git.common_dir)
    home = graph.git.home
    if purge_local:
        if tip := graph.store.tip():
            graph.git.run("update-ref", "-d", NOTES_REF, tip)
            changes.append(f"{NOTES_REF} deleted (it was {tip})")
        if home.exists():
            shutil.rmtree(home)
            changes.append(f"{home} deleted")
    else:
        for name in DERIVED:
            path = home / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for place in (home / "staged", home):
            with suppress(OSError):  # there is something of the user's in it
                place.rmdir()
    for change in changes:
        session.terminal.say(change)
    session.terminal.say("uninstalled" if changes else "nothing to take back")
    stays = [NOTES_REF] if graph.store.tip() else []
    stays += [str(home / name) for name in ("journal", "staged") if (home / name).exists()]
    if stays:
        session.terminal.say(f"what was recorded stays, in {' and '.join(stays)}; --purge-local deletes it")
    kept = gitconfig.kept(graph.git)
    if kept:
        session.terminal.say(f"kept, as `cg init` did not set them: {', '.join(kept)}; --purge-local takes them too")
    session.answer({"changes": changes, "kept": kept})
    return 0
