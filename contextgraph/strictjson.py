"""JSON as the note format allows it: no duplicate keys, no floats where they are forbidden, no lone surrogates, no NUL.

Also bounded, because it is somebody's push: numbers of 64 bits, and DEPTH levels, so that nothing that walks it can fall over.
"""

import json
import math
from collections.abc import Iterable
from typing import Any

from contextgraph.errors import BadInputError

COMPACT = (",", ":")
DEPTH = 100
"""Levels of nesting that are read; Python's own limit (1000 frames) depends on who calls, this one does not."""


def loads(data: bytes, floats: bool) -> Any:
    """Parse one JSON text. `floats=False` refuses fractions and exponents, as a note line must.

    Raises BadInputError that says where and what.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(f"not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}") from None
    decoder = _FREE if floats else _EXACT
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise BadInputError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise BadInputError(_TOO_DEEP) from None
    if text.count("[") + text.count("{") > DEPTH and _deeper(value, DEPTH):
        raise BadInputError(_TOO_DEEP)
    if "\\u" in text:  # only an escape can bring a lone surrogate or a NUL into valid UTF-8
        _check_strings(value)
    return value


def dumps(value: Any) -> bytes:
    """The compact bytes of a note line: keys in the order given, UTF-8, no spaces.

    Raises BadInputError when a text came from bytes that are not UTF-8 (a word of the command line, a branch name).
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=COMPACT, allow_nan=False).encode("utf-8")
    except UnicodeEncodeError as error:
        before = error.object[: error.start].rpartition('"')[2][-20:]
        raise BadInputError(f"a text is not UTF-8: {before!r}, then byte 0x{ord(error.object[error.start]) & 0xFF:02x}") from None


def sort_keys(value: Any) -> Any:
    """The same value with the keys of every object sorted, at every depth."""
    if isinstance(value, dict):
        return {key: sort_keys(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [sort_keys(item) for item in value]
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadInputError(f"the key `{_cut(twice)}` stands twice in one object")
    return found


def _refuse_float(text: str) -> Any:
    raise BadInputError(f"the number {_cut(text)} has a fraction or an exponent; a note holds whole numbers and strings")


def _bounded_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise BadInputError(f"the number {_cut(text)} is out of range")
    return value


def _bounded_int(text: str) -> int:
    """Whole numbers of 64 bits: what every reader in every language holds, and Python refuses to read 4,301 digits."""
    if len(text) > 20 or not -(2**63) <= (value := int(text)) < 2**63:
        raise BadInputError(f"the number {_cut(text)} is out of range (64 bits)")
    return value


def _refuse_constant(text: str) -> Any:
    raise BadInputError(f"{text} is not JSON")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested in more than `levels` levels; a loop, because recursion is what is guarded here."""
    row = [value]
    for _ in range(levels):
        row = [child for each in row for child in _children(each)]
    return any(isinstance(each, dict | list) for each in row)


def _check_strings(value: Any) -> None:
    """Refuse NUL and lone surrogates in every string and key."""
    if isinstance(value, str):
        if "\0" in value:
            raise BadInputError("a string holds a NUL character (\\u0000)")
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise BadInputError("a string holds half of a surrogate pair (\\ud800 to \\udfff), which no text has")
        return
    if isinstance(value, dict):
        for key in value:
            _check_strings(key)
    for child in _children(value):
        _check_strings(child)


def _cut(text: str) -> str:
    """So much of a stranger's text as fits into a sentence."""
    return text if len(text) <= 40 else text[:39] + "…"


_TOO_DEEP = f"JSON nested in more than {DEPTH} levels"
_LIMITS: dict[str, Any] = {"object_pairs_hook": _unique, "parse_constant": _refuse_constant, "parse_int": _bounded_int}
_FREE = json.JSONDecoder(**_LIMITS, parse_float=_bounded_float)
_EXACT = json.JSONDecoder(**_LIMITS, parse_float=_refuse_float)
