"""Answers as JSON (one shape for --json and, later, HTTP and MCP) and as what people read. Nothing here asks anything."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from contextgraph import evidence
from contextgraph.capture import trailers
from contextgraph.query.log import Listing
from contextgraph.query.search import Answer, Result
from contextgraph.query.whence import PATH_LIMIT
from contextgraph.query.why import Why
from contextgraph.status.tracking import Change
from contextgraph.trace import LEFT, Decision, Trace
from contextgraph.ui import Facts, counted, inert

SCHEMA = 1
STATUS_STYLE = {"landed": "green", "pending": "yellow", "reverted": "red"}


def to_json(fields: dict[str, Any], reasons: Sequence[str]) -> bytes:
    """The object of CONTRACT: `schema` first, then the answer's own fields, then `complete` and `reasons`."""
    answer = {"schema": SCHEMA, **fields, "complete": not reasons, "reasons": list(reasons)}
    return msgspec.json.encode(msgspec.to_builtins(answer, enc_hook=str))


def why_json(answer: Why, message: str | None, reasons: Sequence[str]) -> bytes:
    names = ("target", "commit", "line", "uncommitted", "remark", "trace", "traces", "lineage")
    return to_json({name: getattr(answer, name) for name in names} | {"message": message}, reasons)


def search_json(question: str, answer: Answer, reasons: Sequence[str]) -> bytes:
    fields = {"query": question, "results": answer.results, "total": answer.total, "query_time_ms": answer.milliseconds}
    return to_json(fields, reasons)


def log_json(answer: Listing, reasons: Sequence[str]) -> bytes:
    return to_json({"traces": answer.traces, "total": answer.total}, reasons)


def why(answer: Why, message: str | None, reasons: Sequence[str]) -> RenderableType:
    """The decisions verbatim, then the commit's own words, then who touched it later."""
    parts: list[RenderableType] = []
    if answer.remark:
        parts.append(Text(inert(answer.remark)))
    if answer.trace:
        parts.append(trace(answer.trace, message, only=answer.decision))
    for touch in answer.lineage:
        parts += [Text(""), Text(f"later {touch.how}:", style="dim"), trace(touch.trace, None)]
    parts += several(answer.traces)
    if not answer.decisions and (answer.trace or answer.traces):
        parts += [Text(""), Text("No decision is recorded here.", style="yellow")]
    return Group(*parts, *incomplete(reasons))


def several(traces: Sequence[Trace]) -> list[RenderableType]:
    """Traces with decisions in full, the others a line each; one alone is shown in full."""
    whole = traces if len(traces) == 1 else [each for each in traces if each.decisions]
    rest = [] if len(traces) == 1 else [each for each in traces if not each.decisions]
    parts: list[RenderableType] = []
    for position, each in enumerate(whole):
        parts += [Text(""), trace(each, None)] if position else [trace(each, None)]
    if whole and rest:
        parts += [Text(""), Text("without a decision:", style="dim")]
    parts += [heading(each) for each in rest]
    if len(traces) == PATH_LIMIT:
        parts.append(Text(f"the newest {PATH_LIMIT} commits; `cg log --decisions --path PATH` looks in all", style="dim"))
    return parts


def search(answer: Answer, explain: bool, reasons: Sequence[str], names: Mapping[str, str] | None = None) -> RenderableType:
    """The results, best first; with `names` (of repositories, by `repo`) each has that of its repository in front."""
    parts: list[RenderableType] = []
    for result in answer.results:
        parts.append(heading(result.trace) if names is None else _named(result, names))
        for matched in result.matched_decisions[:3]:
            parts.append(Padding(decision(matched.decision, brief=True), (0, 0, 0, 2), expand=False))
        if explain:
            parts.append(Padding(Text(_sum(result), style="dim"), (0, 0, 0, 2), expand=False))
    if answer.total > len(answer.results):
        parts.append(
            Text(f"the best {len(answer.results)} of {answer.total:,} that have something of the question; -n shows more", style="dim")
        )
    if not answer.results:
        parts.append(Text("Nothing was found."))
    if answer.absent:
        parts.append(Text(f"no text here has {' or '.join(f'“{inert(word)}”' for word in answer.absent)}", style="dim"))
    return Group(*parts, *incomplete(reasons))


def log(answer: Listing, decisions: bool, reasons: Sequence[str]) -> RenderableType:
    parts: list[RenderableType] = []
    for each in answer.traces:
        parts.append(heading(each))
        if decisions:
            parts += [Padding(decision(item, brief=True), (0, 0, 0, 2), expand=False) for item in each.decisions]
    if answer.total > len(answer.traces):
        parts.append(Text(f"the newest {len(answer.traces)} of {answer.total:,}; -n shows more", style="dim"))
    if not answer.traces:
        parts.append(Text("Nothing was found."))
    return Group(*parts, *incomplete(reasons))


def _sum(result: Result) -> str:
    """The score as what it is: the sum of its parts, times its status; docs/search.md says what each part means."""
    parts = {name: value for name, value in result.explain.items() if isinstance(value, float) and name not in ("status", "folded")}
    known = " + ".join(f"{name} {value:g}" for name, value in parts.items() if value)
    factor = result.explain.get("status", 1.0)
    sentence = f"score {result.score:g} = {known}" if factor == 1 else f"score {result.score:g} = ({known}) × status {factor:g}"
    alike = f"; {result.explain['folded']} more like it" if result.explain.get("folded") else ""
    return sentence + alike + (f"; from {result.explain['remote']}" if "remote" in result.explain else "")


def _named(result: Result, names: Mapping[str, str]) -> Text:
    """A line of a result with its repository; of what is only on a server, what the server knows."""
    line = Text.assemble((f"{inert(names.get(result.trace.repo or '', result.trace.repo or ''))} ", "magenta"))
    if "remote" not in result.explain:
        return line.append_text(heading(result.trace))
    line.append(f"{inert(result.trace.id or '')[: 15 if result.trace.sha is None else 10]} ", style="yellow")
    line.append("remote ", style="dim")
    return line.append(inert(title(result.trace)))


def heading(each: Trace) -> Text:
    """One line a trace: sha, day, status, title, and how many decisions it holds."""
    status = each.status or "pending"
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{(each.sha or '')[:10]} ", style="yellow")
    line.append(f"{(each.timestamp or each.created_at or '')[:10]} ", style="dim")
    line.append(f"{status:<8} ", style=STATUS_STYLE[status])
    if LEFT in each.evidence:
        line.append(f"{LEFT.detail}: ", style="dim")
    line.append(inert(title(each)))
    if each.decisions:
        line.append(f"  [{counted(len(each.decisions), 'decision')}]", style="cyan")
    return line


def title(each: Trace) -> str:
    return (each.summary or "").split("\n")[0] or (each.decisions[0].title if each.decisions else "(no words)")


def trace(each: Trace, message: str | None, only: str | None = None) -> RenderableType:
    """A whole trace. `only` shows one decision of it."""
    facts = [each.author, (each.timestamp or "")[:10], each.branch and f"on {each.branch}", *evidence.outcome(each)]
    if each.stats:
        facts.append(f"{counted(each.stats.files, 'file')} +{each.stats.insertions} -{each.stats.deletions}")
    first = Text.assemble((f"{(each.sha or '')[:12]} ", "bold yellow"), (inert(title(each)), "bold"))
    parts: list[RenderableType] = [first, Facts(tuple(inert(fact) for fact in facts if fact))]
    for source in each.carried_from:
        parts.append(Text(f"carried from {source.commit[:12]} ({source.how})", style="dim"))
    shown = [item for item in each.decisions if only is None or item.id == only]
    for item in shown:
        parts += [Text(""), decision(item)]
    words = trailers.without(message or "") if any(item.source == "trailer" for item in shown) else message or ""
    body = words.strip().partition("\n")[2].strip("\n")
    if body and only is None:
        parts += [Text(""), Padding(Text(inert(body), style="" if not shown else "dim"), (0, 0, 0, 4), expand=False)]
    return Group(*parts)


def decision(item: Decision, brief: bool = False) -> RenderableType:
    """A decision with all that was said of it; `brief` keeps to the choice, what was rejected, and why."""
    mark = "○" if item.superseded_by else "●"
    head = Text.assemble((f"{mark} ", "cyan"), (inert(item.title), "" if brief else "bold"))
    head.append(f"  {item.id}", style="dim")
    if item.source:
        head.append(f" {item.source}", style="dim")
    if item.superseded_by:
        head.append(f"  superseded by {item.superseded_by}", style="red")
    rows: list[tuple[str, str]] = []
    if item.context and item.context != item.title:
        rows.append(("context", item.context))
    rows += [("rejected", f"{each.option}: {each.reason}" if each.reason else each.option) for each in item.rejected]
    others = [option.description for position, option in enumerate(item.options) if position != item.selected]
    rows += [("option", description) for description in others]
    if item.reasoning and item.reasoning != item.title:
        rows.append(("because", item.reasoning))
    if not brief:
        rows += [("constraint", each) for each in item.constraints] + [("guard", each) for each in item.guard]
        rows += [(name, str(value)) for name, value in _traits(item) if value is not None]
    if item.quote and item.quote != item.title:
        rows.append(("quote", item.quote))
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(f"  {name}", Text(inert(value)))
    return Group(head, table) if rows else head


def _traits(item: Decision) -> list[tuple[str, object]]:
    reversible = None if item.reversible is None else "yes" if item.reversible else "no"
    return [
        ("risk", item.risk),
        ("reversible", reversible),
        ("confidence", item.confidence),
        ("category", item.category),
        ("area", item.area),
        ("expires", item.expires),
        ("supersedes", item.supersedes),
        ("related", ", ".join(item.related) or None),
    ]


def change(each: Change, words: str) -> Text:
    """One line of `cg track`: what a trace was and is now, and by what."""
    style = STATUS_STYLE.get(each.after, "dim")
    facts = evidence.change(each.evidence)
    line = Text.assemble((f"{each.sha[:10]} ", "yellow"), (f"{each.before or 'new'} -> ", "dim"), (each.after, style))
    return line.append(f"  {inert(words)}").append(f"  {inert(facts)}" if facts else "", style="dim")


def counts(numbers: Mapping[str, int]) -> str:
    """`2 landed, 1 pending, 0 reverted`, and what is on no branch, where there is such."""
    words = [f"{numbers[status]} {status}" for status in ("landed", "pending", "reverted")]
    return ", ".join([*words, *([f"{numbers['no_branch']} on no branch"] if numbers["no_branch"] else [])])


def incomplete(reasons: Sequence[str]) -> list[RenderableType]:
    """A line for everything that keeps the answer from being whole."""
    return [Text.assemble(("incomplete: ", "yellow"), inert(reason)) for reason in reasons]
