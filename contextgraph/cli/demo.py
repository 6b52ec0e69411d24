"""demo: a throw-away repository with a real little history, walked through with the real program."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from contextgraph.cli.common import Session, command
from contextgraph.errors import Error, UsageError

LIMITER = """def allow(bucket, now):
    bucket.tokens = min(bucket.burst, bucket.tokens + (now - bucket.at) * bucket.rate)
    return bucket.tokens >= 1
"""
MESSAGE = """Allow short bursts

Decision: allow twice the burst for the first second
Rejected: a queue | clients time out
Because: start-up of the mobile client sends 12 requests at once"""


def register(app: typer.Typer) -> None:
    command(app)(demo)


def demo(
    session: Session,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the repository there, to look around in.")] = False,
) -> int:
    """See it work in a throw-away repository.

    It is taken through init, decide, commit, why, search and log with the real program.
    """
    if session.json:
        raise UsageError("the demo is for reading, and has no answer in JSON", "`cg why HEAD --json` shows what one looks like")
    directory = Path(tempfile.mkdtemp(prefix="cg-demo-"))
    try:
        _walk(session, directory / "shop")
    finally:
        if keep:
            session.terminal.say(f"the repository is in {directory / 'shop'}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    return 0


def _walk(session: Session, shop: Path) -> None:
    shop.mkdir()
    # A sealed little world: no configuration, hooks or identity of the user's, and the same dates every time.
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "CG_"))}
    sealed = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}
    sealed |= {"GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com"}
    steps = _Steps(session, shop, {**clean, **sealed})
    steps.run("git", "init", "--quiet", "--initial-branch=main", ".")
    steps.write("server.py", "def handle(request):\n    return respond(request)\n")
    steps.commit("Serve requests")
    steps.tell("A repository with history. Set it up (hooks, index); nothing else is asked of you:")
    steps.cg("init", "--no-model")
    steps.tell("Write a decision down before the commit that carries it out:")
    steps.cg("decide", "token bucket", "--context", "how to limit requests", "--over", "fixed window | lets bursts through at the edge",
             "--because", "smooth under load, two numbers a client", "--risk", "low")  # fmt: skip
    steps.write("limit.py", LIMITER)
    steps.commit("Limit requests per client")
    steps.tell("Or say it in the commit message, as trailers:")
    steps.write("limit.py", LIMITER.replace("bucket.burst", "2 * bucket.burst"))
    steps.commit(MESSAGE)
    steps.tell("Later somebody asks why a line is as it is:")
    steps.cg("why", "limit.py:2")
    steps.tell("or what was ever decided about it, in their own words:")
    steps.cg("search", "burst limiting")
    steps.tell("or what binds a file now:")
    steps.cg("log", "--in-force", "--path", "limit.py")
    steps.tell("The reasons are git notes: any git shows them, any clone can carry them.")
    steps.run("git", "notes", "--ref", "contextgraph", "list")
    steps.tell("Now in a repository of yours:  cg init")


class _Steps:
    """Runs and shows each step; a step that fails is a defect, and says so."""

    def __init__(self, session: Session, directory: Path, environment: dict[str, str]) -> None:
        self.terminal = session.terminal
        self.directory = directory
        self.environment = environment

    def tell(self, words: str) -> None:
        self.terminal.out.print(Text(f"\n# {words}", style="bold"), soft_wrap=True)

    def write(self, name: str, content: str) -> None:
        (self.directory / name).write_text(content, encoding="utf-8")

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all", shown=False)
        self.run("git", "commit", "--quiet", "-m", message)

    def cg(self, *arguments: str) -> None:
        color = ["--color=always"] if self.terminal.out.is_terminal and not self.terminal.out.no_color else []
        self._execute([sys.executable, "-m", "contextgraph", *arguments, "--no-pager", *color], ("cg", *arguments))

    def run(self, *arguments: str, shown: bool = True) -> None:
        self._execute(list(arguments), arguments if shown else ())

    def _execute(self, command: list[str], shown: tuple[str, ...]) -> None:
        import shlex

        if shown:
            self.terminal.out.print(Text(f"$ {shlex.join(shown)}", style="cyan"), soft_wrap=True)
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.terminal.out.print(
            Text.from_ansi(done.stdout.decode("utf-8", "replace").rstrip("\n")), soft_wrap=True, end="\n" if done.stdout else ""
        )
        if done.returncode:
            raise Error(f"the demo's `{shlex.join(shown or tuple(command))}` ended with {done.returncode}", "please report this")
