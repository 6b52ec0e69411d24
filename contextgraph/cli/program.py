"""The program: every group of commands under one name."""

import typer

from contextgraph.cli import ask, demo, doctor, follow, lifecycle, settings, setup, share, state, write

app = typer.Typer(
    name="cg",
    help="Keeps the reasons behind commits inside Git, and brings them back when the next decision is made.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with `cg init` in a repository. `cg COMMAND -h` tells more about each; `git cg` is the same program.",
)
for group in (setup, write, ask, state, follow, share, lifecycle, settings, doctor, demo):
    group.register(app)


@app.callback(invoke_without_command=True)
def _cg(version: bool = typer.Option(False, "--version", help="The version, and nothing else.", is_eager=True)) -> None:
    if version:
        from contextgraph import __version__

        typer.echo(f"cg {__version__}")
        raise typer.Exit
