"""GitLab's code quality report: a list of issues, each with a fingerprint that a rebase keeps."""

import msgspec

from contextgraph.check.finding import Report
from contextgraph.report import words
from contextgraph.report.sarif import PLACE
from contextgraph.ui import escaped, inert

_SEVERITY = {"error": "critical", "warning": "minor", "note": "info"}


def quality(report: Report) -> str:
    """The findings, and everything that was not seen as an issue of its own."""
    issues = [
        {
            "description": inert(each.message) + "".join(f"; {name}: {value}" for name, value in words.facts(each).items()),
            "check_name": f"contextgraph/{each.rule}",
            "fingerprint": each.id,
            "severity": _SEVERITY[each.level],
            "location": {"path": each.path or PLACE, "lines": {"begin": each.line or 1}},
        }
        for each in report.findings
    ]
    for position, reason in enumerate(report.reasons):
        unseen = {"description": inert(reason), "check_name": "contextgraph/incomplete", "fingerprint": f"incomplete-{position}"}
        issues.append({**unseen, "severity": "major", "location": {"path": PLACE, "lines": {"begin": 1}}})
    return escaped(msgspec.json.format(msgspec.json.encode(issues), indent=1).decode()) + "\n"
