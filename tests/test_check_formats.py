"""The formats of a report: each is what its host reads, and words of others cannot become markup or commands."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from contextgraph import report
from contextgraph.check.finding import Accepted, Finding, Precedent, Report, make
from tests import check_corpus

TOP = Path(__file__).parents[1]
SCHEMA = Path(os.environ.get("CG_TEST_SARIF_SCHEMA", TOP / "tests" / "data" / "sarif-2.1.0-used.schema.json"))
"""The part of the standard's schema that is ours to keep; CG_TEST_SARIF_SCHEMA names a file with the whole of it."""

EVIL = "x::error::y\n%0A <img src=x> @all [a](http://b) `c` \x1b[31m | z"


def finding(level: str = "error", path: str | None = "src/a b,c.py") -> Finding:
    precedent = Precedent("a" * 40, "cg-0123456789ab", "in force", "2026-01-01", EVIL)
    return make("guard", level, (level,), f"it says {EVIL}", f"because {EVIL}", precedent, (EVIL, "word"), "b" * 40, path, 3)


@pytest.fixture
def full() -> Report:
    """One of each level, one accepted, one reason."""
    found = [finding("error"), finding("warning", None), finding("note")]
    taken = Accepted(finding("warning", "other.py"), f"fine {EVIL}", "Ann", "2027-01-01")
    return Report("main..HEAD", "0" * 40, "1" * 40, 3, found, [taken], ["notes were never fetched"], 2)


def test_sarif_fits_the_schema(full: Report) -> None:
    import jsonschema

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    log = json.loads(report.FORMATS["sarif"](full))
    problems = [f"{each.json_path}: {each.message}" for each in kind(schema).iter_errors(log)]
    assert not problems
    broken = json.loads(json.dumps(log))
    broken["runs"][0]["results"][0]["message"] = "text"
    assert list(kind(schema).iter_errors(broken)), "the schema accepts everything"


def test_sarif_names_the_findings(full: Report) -> None:
    (run,) = json.loads(report.FORMATS["sarif"](full))["runs"]
    assert [each["level"] for each in run["results"]] == ["error", "warning", "note", "warning"]
    assert [each["partialFingerprints"]["contextgraph/v1"] for each in run["results"][:3]] == [each.id for each in full.findings]
    assert run["results"][3]["suppressions"][0]["justification"].startswith("fine")
    assert run["invocations"][0]["executionSuccessful"] is False
    for each in run["results"]:
        assert run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"]


def test_github_annotations_are_one_command_a_line(full: Report) -> None:
    lines = report.FORMATS["github"](full).splitlines()
    assert [line.split(" ", 1)[0] for line in lines[:4]] == ["::error", "::warning", "::notice", "::warning"]
    assert all("\x1b" not in line and line.count("::") >= 2 for line in lines[:4])
    properties = lines[0].split("::")[1]
    assert "file=src/a b%2Cc.py,line=3," in properties
    assert "%250A" in lines[0], "a percent sign of somebody else must not become a line feed"
    assert len(lines) == 5 and "3 notes (1 shown)" in lines[4]


def test_markdown_is_inert(full: Report) -> None:
    text = report.FORMATS["markdown"](full)
    outside = re.sub(r"(`+).*?\1", "", text)
    assert "<img" not in outside and "](http" not in outside and "@all" not in outside and "\x1b" not in text
    assert text.startswith("<!-- contextgraph check -->") and "notes were never fetched" in text
    assert len(report.FORMATS["markdown"](Report("r", None, None, 1, [finding() for _ in range(500)], [], []))) < 65_536


def test_gitlab_is_a_list_of_issues(full: Report) -> None:
    issues: list[dict[str, Any]] = json.loads(report.FORMATS["gitlab"](full))
    assert [each["severity"] for each in issues] == ["critical", "minor", "info", "major"]
    assert all({"description", "check_name", "fingerprint", "severity", "location"} == set(each) for each in issues)
    assert len({each["fingerprint"] for each in issues}) == 4 and issues[1]["location"]["path"]


def test_exit_codes(full: Report) -> None:
    assert full.code == 1
    assert Report("r", None, None, 1, [finding("warning")], [], ["blind"]).code == 3
    assert Report("r", None, None, 1, [finding("warning")], [], []).code == 0


def test_the_corpus(seal: dict[str, str], tmp_path: Path) -> None:
    """The figures of docs/check.md, held from below."""
    assert len(list(check_corpus.cases())) >= 120
    scores, words = check_corpus.score(os.environ, tmp_path)
    assert all(each.wrong == 0 for each in scores.values()), words
    for rule in ("guard", "reintroduced"):
        assert scores[rule].missed == 0, words
    for rule in ("rejected", "returning", "removed"):
        assert scores[rule].recall[0] >= 0.8, words
