"""A report as a comment on a pull request, or as the summary of a job. Words of others are fenced: they cannot become markup."""

import re

from contextgraph.check.finding import Finding, Report
from contextgraph.report import words
from contextgraph.ui import inert

MARK = "<!-- contextgraph check -->"
"""First line, by which a step finds its own earlier comment."""
_ICONS = {"error": "❌ error", "warning": "⚠️ warning", "note": "💬 note"}
LONGEST = 60_000
"""Characters; hosts refuse comments over 65,536."""


def comment(report: Report) -> str:
    """The counts, the findings (notes folded), what was accepted, and what was not seen."""
    parts = [MARK, f"### cg check: {plain(words.summary(report))}"]
    parts += [_finding(each) for each in report.findings if each.level != "note"]
    notes = [_finding(each) for each in report.findings if each.level == "note"]
    if notes:
        parts += [f"<details><summary>{words.counted(len(notes), 'note')}</summary>", *notes, "</details>"]
    for taken in report.accepted:
        parts.append(f"- accepted {code(taken.finding.id)} {code(words.place(taken.finding))}: {plain(taken.because)}")
    if report.reasons:
        parts.append("**Not everything could be seen:**\n\n" + "\n".join(f"- {plain(reason)}" for reason in report.reasons))
    text = "\n\n".join(parts)
    return (text if len(text) <= LONGEST else text[:LONGEST] + "\n\n… cut; the log has the rest") + "\n"


def _finding(each: Finding) -> str:
    rows = [f"- **precedent** {plain(words.precedent(each.precedent))}", f"- **because** {plain(each.why)}"]
    if each.words:
        rows.insert(0, "- **words** " + ", ".join(code(word) for word in each.words))
    rows.append(f"- **accept** {code(each.ack)} or the trailer {code(each.trailer)}")
    head = f"#### {_ICONS[each.level]} {code(words.place(each))} · {each.rule} · {code(each.id)}"
    return f"{head}\n\n{plain(each.message)}\n\n" + "\n".join(rows)


def plain(text: str) -> str:
    """Text on one line in which nothing is markup, a link or a mention; what stands between backticks stays code."""
    flat = " ".join(inert(text).split())
    pieces = re.split(r"(`[^`]+`)", flat)
    return "".join(code(each[1:-1]) if position % 2 else _escaped(each) for position, each in enumerate(pieces))


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#!|~])", r"\\\1", text).replace("@", "@\u2060")


def code(text: str) -> str:
    """Inline code, whatever backticks are in it."""
    flat = " ".join(inert(text).split()) or " "
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{flat}{space}{fence}"
