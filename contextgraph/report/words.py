"""Words that every format of a report shares."""

from contextgraph.check.finding import Finding, Precedent, Report
from contextgraph.ui import inert


def place(finding: Finding) -> str:
    """Where a finding is, in one word: `path:line`, or the commit."""
    if finding.path:
        return inert(finding.path) + (f":{finding.line}" if finding.line else "")
    return (finding.commit or "")[:10]


def precedent(found: Precedent) -> str:
    """The precedent on one line: its id or commit, its title, its status and day."""
    name = found.decision or (found.commit or "")[:10] or ".contextgraph.toml"
    place = f"recorded on {found.commit[:10]}" if found.decision and found.commit else ""
    facts = ", ".join(filter(None, [found.status, found.date, place]))
    return inert(f"{name} “{found.title}” ({facts})")


def facts(found: Finding) -> dict[str, str]:
    """What stands behind a finding and what accepts it, by name; the last two can be pasted as they are."""
    rows = {
        "words": " · ".join(" ".join(word.split()) for word in found.words),
        "precedent": precedent(found.precedent),
        "because": found.why,
        "commit": (found.commit or "")[:10],
        "accept": found.ack,
        "trailer": found.trailer,
    }
    return {name: inert(value) for name, value in rows.items() if value}


def summary(report: Report) -> str:
    """The counts in one sentence."""
    commits = "1 commit" if report.commits == 1 else f"{report.commits} commits"
    if not report.commits and report.base is None and report.reasons:
        return f"{report.text}: nothing could be checked"
    if not report.commits:
        return f"{report.text}: no commits to check" + ("" if report.reasons else "; name a range, such as HEAD~3..HEAD")
    found = [counted(report.count(level) + report.skipped * (level == "note"), level) for level in ("error", "warning", "note")]
    words = [each for each in found if not each.startswith("0 ")]
    if report.skipped:
        words[-1] += f" ({report.count('note')} shown)"
    words += [f"{len(report.accepted)} accepted"] if report.accepted else []
    return f"{report.text}: {commits}, {', '.join(words) or 'nothing stands against it'}"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
