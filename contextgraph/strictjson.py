"""JSON as the note format allows it: no duplicate keys, no floats where they are forbidden, no lone surrogates, no NUL."""

import json
from typing import Any

from contextgraph.errors import BadInputError

COMPACT = (",", ":")


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
        text.encode("utf-8")
        if "\\u" in text:  # only an escape can bring a lone surrogate or a NUL into valid UTF-8
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise BadInputError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeEncodeError:
        raise BadInputError("a string holds half of a surrogate pair (\\ud800 to \\udfff), which no text has") from None
    except RecursionError:
        raise BadInputError("JSON nested too deeply") from None
    if "\\u0000" in text and _has_nul(value):
        raise BadInputError("a string holds a NUL character (\\u0000)")
    return value


def dumps(value: Any) -> bytes:
    """The compact bytes of a note line: keys in the order given, UTF-8, no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=COMPACT, allow_nan=False).encode("utf-8")


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
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadInputError(f"the key `{twice}` stands twice in one object")
    return found


def _refuse_float(text: str) -> Any:
    raise BadInputError(f"the number {text} has a fraction or an exponent; a note holds whole numbers and strings")


def _refuse_constant(text: str) -> Any:
    raise BadInputError(f"{text} is not JSON")


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_nul(item) for item in value)


_FREE = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
_EXACT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_refuse_float)
