"""A report as people read it in a terminal."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from contextgraph import render
from contextgraph.check.finding import Finding, Report
from contextgraph.report import words
from contextgraph.ui import inert

STYLE = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def show(report: Report, verbose: bool = False) -> RenderableType:
    """Findings, errors first, each with its precedent and what accepts it; then what was accepted, the counts, and what was not seen."""
    parts: list[RenderableType] = []
    for each in report.findings:
        parts += [finding(each), Text("")]
    for taken in report.accepted:
        until = f" until {taken.until}" if taken.until else ""
        line = f"accepted {taken.finding.id} {words.place(taken.finding)} ({taken.finding.rule}){until}: {taken.because} ({taken.by})"
        parts.append(Text(inert(line), style="dim"))
    style = STYLE["error"] if report.count("error") else STYLE["warning"] if report.count("warning") else ""
    parts.append(Text(inert(words.summary(report)), style=style))
    return Group(*parts, *render.incomplete(report.reasons))


def finding(each: Finding) -> RenderableType:
    head = Text.assemble((each.level, STYLE[each.level]), f" {words.place(each)} ", (f"{each.rule}  {each.id}", "dim"))
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in words.facts(each).items():
        if each.level == "note" and name in ("commit", "trailer"):
            continue  # a remark asks for nothing; the other formats have these too
        table.add_row(f"  {name}", Text(value))
    return Group(head, Padding(Text(inert(each.message)), (0, 0, 0, 2), expand=False), table)
