"""Annotations of GitHub Actions: lines on stdout that the runner reads, so they need no token and work for forks."""

from contextgraph.check.finding import Report
from contextgraph.report import words
from contextgraph.ui import inert

_KINDS = {"error": "error", "warning": "warning", "note": "notice"}


def annotations(report: Report) -> str:
    """A workflow command a finding, one for everything that was not seen, and the summary as plain text."""
    lines: list[str] = []
    for each in report.findings:
        fields = {
            "file": each.path,
            "line": str(each.line) if each.path and each.line else None,
            "title": f"cg check: {each.rule} ({each.id})",
        }
        settings = ",".join(f"{name}={_property(value)}" for name, value in fields.items() if value)
        text = "\n".join([each.message, *(f"{name}: {value}" for name, value in words.facts(each).items())])
        lines.append(f"::{_KINDS[each.level]} {settings}::{_data(text)}")
    lines += [f"::warning title=cg check could not see everything::{_data(reason)}" for reason in report.reasons]
    return "\n".join([*lines, inert(words.summary(report))]) + "\n"


def _data(text: str) -> str:
    """A message as the runner unescapes it; line feeds of ours stay, everything else that could end the command is spelled out."""
    return "%0A".join(inert(line).replace("%", "%25").replace("\r", "%0D") for line in text.split("\n"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
