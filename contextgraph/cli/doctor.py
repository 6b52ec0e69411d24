"""doctor: every known fault by name, with the cure."""

from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from contextgraph.cli.common import Session, command


def register(app: typer.Typer) -> None:
    command(app, epilog="\b\nExamples:\n  cg doctor\n  cg doctor --fix\n  cg doctor --json")(doctor)


def doctor(
    session: Session,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended here, and look once more.")] = False,
) -> int:
    """Every known fault by name, with its cure.

    Exit code 1 when a fault is left; warnings leave 0.
    """
    from contextgraph import doctor as checks
    from contextgraph import render
    from contextgraph.ui import inert

    graph = session.caught_up()
    findings = checks.examine(graph, fix)
    left = [each for each in findings if each.level == "fault" and not each.fixed]
    if session.json:
        session.terminal.json(render.to_json({"findings": findings, "faults": len(left)}, graph.reasons))
        return 1 if left else 0
    parts: list[RenderableType] = []
    for each in findings:
        mark, style = ("fixed", "green") if each.fixed else (each.level, "red" if each.level == "fault" else "yellow")
        parts.append(Text.assemble((f"{mark} ", style), (f"{each.name}: ", "bold"), inert(each.message)))
        if not each.fixed:
            parts.append(Text.assemble("  ", ("cure: ", "cyan"), inert(each.cure)))
    if not findings:
        parts.append(Text(f"{len(checks.CHECKS)} checks, nothing wrong"))
    session.terminal.show(Group(*parts))
    return 1 if left else 0
