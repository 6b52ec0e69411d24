"""A decision as a person writes it: checked while it can still be mended, and in the editor on a form of trailer words."""

import re
import shlex
import subprocess
import tempfile
from datetime import date
from pathlib import Path

import msgspec

from contextgraph import commits
from contextgraph.capture import trailers
from contextgraph.errors import BadInputError, UsageError
from contextgraph.event import HARD_LIMIT, TOO_LONG
from contextgraph.graph import Graph
from contextgraph.trace import Decision, plain

FORM = """
# One decision, in the words of commit trailers. Lines that begin with # are left out; an empty form stages nothing.
# Decision:      what was chosen
# Context:       the question
# Rejected:      an alternative | the reason          (repeatable)
# Because:       why                                  (repeatable)
# Constraint:    what must stay so                    (repeatable)
# Guard:         GLOB: RE                             (repeatable)
# Risk: low, medium or high    Reversible: yes or no    Confidence: 0 to 1    Category: …    Area: …    Expires: 2027-01-31
# Supersedes:    a decision id
"""


def check(graph: Graph, decision: Decision) -> None:
    """What a person can still mend is refused here; in a commit message it could not be."""
    if decision.expires:
        try:
            date.fromisoformat(decision.expires[:10])
        except ValueError:
            raise UsageError(f"--expires: `{decision.expires}` is not a date", "such as 2027-01-31") from None
    for each in decision.guard:
        glob, separator, pattern = each.partition(": ")
        if not (glob and separator and pattern):
            raise UsageError(f"--guard `{each}` is not GLOB: RE", "such as --guard '*.py: time\\.sleep'")
        try:
            re.compile(pattern)
        except re.error as error:
            raise UsageError(f"--guard `{each}`: {error}") from None
    size = len(msgspec.json.encode(decision))
    if size > HARD_LIMIT - 1024:
        raise UsageError(f"the decision has {size:,} bytes; the limit is {HARD_LIMIT - 1024:,}", TOO_LONG)
    if decision.supersedes and not graph.knows_decision(decision.supersedes):
        raise UsageError(f"--supersedes: no decision {decision.supersedes} is known here", "`cg log --decisions` lists them")


def edited(graph: Graph, decision: Decision | None) -> Decision | None:
    """The decision as it leaves the editor; None for an empty form. What was typed is kept when it cannot be taken."""
    editor = graph.git.maybe("var", "GIT_EDITOR") or "vi"
    with tempfile.NamedTemporaryFile("w", suffix=".cg-decision", delete=False, encoding="utf-8") as form:
        form.write((_as_form(decision) if decision else "") + FORM)
    if subprocess.run(f"{editor} {shlex.quote(form.name)}", shell=True, check=False).returncode:  # as git runs it
        raise UsageError(f"the editor `{editor}` failed", f"the form is in {form.name}")
    lines = commits.text(Path(form.name).read_bytes()).splitlines()
    filled = [line for line in lines if line.strip() and not line.startswith("#")]
    try:
        made = _read(filled)
        if made is not None:
            check(graph, made)
    except UsageError as error:
        raise UsageError(error.message, f"the form is kept in {form.name}") from None
    Path(form.name).unlink()
    return made


def _read(lines: list[str]) -> Decision | None:
    """The one decision on a form; None when nothing was filled in. Raises UsageError, BadInputError."""
    pairs = [(key, value) for key, value in trailers.read("\n".join(["form", "", *lines])) if key != "ack"]
    strange = [line for line in lines if not trailers.read(f"form\n\n{line}") and not line[:1].isspace()]
    if strange:
        raise BadInputError(f"the form cannot be read: `{strange[0]}` does not begin with one of its words and a colon")
    if sum(key == "decision" for key, _ in pairs) > 1:
        raise BadInputError("the form holds more than one decision")
    given = [(key, value) for key, value in pairs if value]
    return trailers.decision(given, strict=True) if given else None


def _as_form(decision: Decision) -> str:
    fields = plain(decision)
    lines = [f"Decision: {decision.choice}"] if decision.choice else []
    lines += [f"Context: {line}" for line in decision.context.splitlines()]
    lines += [f"Rejected: {each.option}" + (f" | {each.reason}" if each.reason else "") for each in decision.rejected]
    lines += [f"Because: {line}" for line in decision.reasoning.splitlines()] + [f"Related: {each}" for each in decision.related]
    lines += [f"Constraint: {each}" for each in decision.constraints] + [f"Guard: {each}" for each in decision.guard]
    names = ("risk", "confidence", "category", "area", "expires", "supersedes")
    lines += [f"{name.capitalize()}: {fields[name]}" for name in names if name in fields]
    return "\n".join(lines + (["Reversible: no"] if decision.reversible is False else []))
