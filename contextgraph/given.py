"""What somebody hands to us as JSON, made into a Trace, or refused with the field, the value and what was expected."""

import codecs
import difflib
import re
from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from contextgraph import strictjson
from contextgraph.activity import Noun
from contextgraph.errors import BadInputError
from contextgraph.event import HARD_LIMIT, TOO_LONG
from contextgraph.trace import GIVEN, Decision, Trace

DERIVED_OF_DECISION = frozenset({"id", "trace_id", "timestamp", "superseded_by"})


def parse(data: bytes) -> tuple[Trace, list[str]]:
    """A CommitTrace in JSON as a Trace, and what was left out of it, one sentence each.

    Raises BadInputError naming the field, the value and what was expected.
    """
    if len(data) > HARD_LIMIT:
        raise BadInputError(f"the trace has {len(data):,} bytes; the limit is {HARD_LIMIT:,}", TOO_LONG)
    raw = strictjson.loads(data.removeprefix(codecs.BOM_UTF8), floats=True)
    if not isinstance(raw, dict):
        raise BadInputError(f"a trace is a JSON object, and this is {_kind(raw)}", '`{"decisions": [{"context": "…"}]}` is one')
    warnings = list(_strip_derived(raw))
    for path, name, owner in _unknown(raw, Trace, ""):
        raise BadInputError(f"unknown field `{path}{name}`", _suggestion(name, owner))
    return convert(raw), warnings


def convert(raw: dict[str, Any]) -> Trace:
    """Built-in values as a Trace. Raises BadInputError as `parse` does; unknown fields are passed over."""
    try:
        return msgspec.convert(_numbers(raw), Trace)
    except msgspec.ValidationError as error:
        raise BadInputError(_explain(str(error), raw)) from None


def _strip_derived(raw: dict[str, Any]) -> Iterator[str]:
    for name in sorted(set(raw) & set(Trace.__struct_fields__) - GIVEN):
        raw.pop(name)
        yield f"`{name}` follows from git and was ignored"
    decisions = raw.get("decisions")
    for position, decision in enumerate(decisions if isinstance(decisions, list) else []):
        for name in sorted(set(decision) & DERIVED_OF_DECISION) if isinstance(decision, dict) else []:
            decision.pop(name)
            yield f"`decisions[{position}].{name}` is given by contextgraph and was ignored"


def _numbers(raw: dict[str, Any]) -> dict[str, Any]:
    """A note keeps confidence as a decimal string; a form or an agent may write it so as well."""
    decisions = raw.get("decisions")
    if not isinstance(decisions, list):
        return raw
    return {**raw, "decisions": [_decision_numbers(each) for each in decisions]}


def _decision_numbers(decision: Any) -> Any:
    confidence = decision.get("confidence") if isinstance(decision, dict) else None
    if isinstance(confidence, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?|\.[0-9]+", confidence):
        return {**decision, "confidence": float(confidence)}
    return decision


def _unknown(raw: Any, noun: type[Noun], path: str) -> Iterator[tuple[str, str, type[Noun]]]:
    """Every (path, name, noun) of a field that the noun does not have. `args` and `result` are free."""
    if not isinstance(raw, dict):
        return
    hints = {field.name: field.type for field in msgspec.structs.fields(noun)}
    for name, value in raw.items():
        if name not in hints:
            yield path, name, noun
            continue
        inner = _noun_in(hints[name])
        if inner is None:
            continue
        if isinstance(value, list):
            for position, item in enumerate(value):
                yield from _unknown(item, inner, f"{path}{name}[{position}].")
        else:
            yield from _unknown(value, inner, f"{path}{name}.")


def _noun_in(hint: Any) -> type[Noun] | None:
    if isinstance(hint, type) and issubclass(hint, Noun):
        return hint
    return next((found for found in map(_noun_in, get_args(hint)) if found), None)


def _suggestion(name: str, owner: type[Noun]) -> str:
    known = [field for field in owner.__struct_fields__ if owner is not Trace or field in GIVEN]
    known = [field for field in known if owner is not Decision or field not in DERIVED_OF_DECISION]
    close = difflib.get_close_matches(name, known, 1)
    return f"did you mean `{close[0]}`?" if close else "known here: " + ", ".join(known)


def _explain(message: str, raw: Any) -> str:
    """msgspec's words with the field first and the value shown: `decisions[0].selected`: expected int, got "x"."""
    words, _, where = message.rpartition(" - at `$") if message.endswith("`") else (message, "", "")
    path = where.rstrip("`").lstrip(".")
    value: Any = raw
    for name, index in re.findall(r"\.?([^.\[\]]+)|\[(\d+)\]", path):
        try:
            value = value[int(index)] if index else value[name]
        except (KeyError, IndexError, TypeError):
            break
    field = f"`{path}`" if path else "the trace"
    if isinstance(value, dict | list) or words.startswith("`"):
        return f"{field}: {words[:1].lower()}{words[1:]}"
    shown = strictjson.dumps(value).decode() if value is None or isinstance(value, bool | int | float | str) else str(value)
    shown = shown if len(shown) <= 60 else shown[:59] + "…"
    return f"{field} is {shown}: {words[0].lower()}{words[1:]}"


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number", type(None): "null"}
    return names[type(value)]
