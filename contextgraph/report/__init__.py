"""The answer of `cg check` in the formats that hosts and people read: a function a format, from a Report to text."""

from collections.abc import Callable

from contextgraph import render
from contextgraph.check.finding import Report
from contextgraph.report import github, gitlab, markdown, sarif
from contextgraph.ui import escaped


def json(report: Report) -> str:
    """The documented object, with what was accepted and how many notes were left out besides."""
    fields = {
        "range": report.text,
        "base": report.base,
        "head": report.head,
        "commits": report.commits,
        "findings": report.findings,
        "accepted": report.accepted,
        "counts": {name: report.count(name) for name in ("error", "warning", "note")},
        "skipped": report.skipped,
    }
    return escaped(render.to_json(fields, report.reasons).decode()) + "\n"


FORMATS: dict[str, Callable[[Report], str]] = {
    "json": json,
    "github": github.annotations,
    "sarif": sarif.document,
    "markdown": markdown.comment,
    "gitlab": gitlab.quality,
}
"""What `--format` takes besides `text`."""
