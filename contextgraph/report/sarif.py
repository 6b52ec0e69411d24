"""SARIF 2.1.0: what code scanning reads. Finding ids are the partial fingerprints, so a rebase is no new alert."""

from typing import Any
from urllib.parse import quote

import msgspec

from contextgraph import __version__
from contextgraph.check.finding import Finding, Report
from contextgraph.config import CHECKS
from contextgraph.report import words
from contextgraph.ui import escaped, inert

PLACE = ".contextgraph.toml"
"""Where a finding without a file is shown: hosts refuse results without one."""


def document(report: Report) -> str:
    """One run: every rule, the findings, those accepted as suppressed, and what was not seen as notifications."""
    results = [_result(each) for each in report.findings]
    for taken in report.accepted:
        kind = {"kind": "inSource" if not taken.until else "external", "justification": inert(taken.because)}
        results.append(_result(taken.finding) | {"suppressions": [kind]})
    seen = [{"level": "warning", "message": {"text": inert(reason)}} for reason in report.reasons]
    run = {
        "tool": {"driver": {"name": "contextgraph", "semanticVersion": __version__, "rules": [_rule(*each) for each in CHECKS]}},
        "invocations": [{"executionSuccessful": not report.reasons, "exitCode": report.code, "toolExecutionNotifications": seen}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {"version": "2.1.0", "runs": [run]}
    return escaped(msgspec.json.format(msgspec.json.encode(log), indent=1).decode()) + "\n"


def _rule(name: str, level: str, about: str) -> dict[str, Any]:
    enabled = {"level": level if level != "off" else "none"}
    return {"id": name, "shortDescription": {"text": about}, "defaultConfiguration": enabled}


def _result(each: Finding) -> dict[str, Any]:
    text = "\n".join([inert(each.message), *(f"{name}: {value}" for name, value in words.facts(each).items())])
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(each.path or PLACE, errors="surrogateescape")}}
    place["region"] = {"startLine": each.line or 1}
    facts = msgspec.to_builtins(each.precedent)
    return {
        "ruleId": each.rule,
        "ruleIndex": [name for name, _, _ in CHECKS].index(each.rule),
        "level": each.level,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"contextgraph/v1": each.id},
        "properties": {"commit": each.commit, "precedent": facts, "words": list(each.words)},
    }
