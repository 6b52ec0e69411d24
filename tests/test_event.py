"""Verbs: the bytes of a line, what verifies, and what is kept though it is not ours to read."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given as example
from hypothesis import strategies as st

from contextgraph import event, strictjson
from contextgraph.errors import BadInputError
from contextgraph.event import Event, Foreign, decode, encode
from tests.strategies import CALM, FREE, WORDS

KEY = "c" * 40
AT = "2026-11-20T13:00:00.000Z"
BODIES = st.dictionaries(WORDS.filter(lambda name: name not in ("at", "by", "commit", "id", "kind", "v")), FREE, max_size=4)


def signed(body: dict[str, Any]) -> bytes:
    """A line with a right id, written by another program: the bytes are those of json.dumps, whatever the body holds."""
    anonymous = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    identity = hashlib.sha256(anonymous.encode()).hexdigest()[:16]
    return json.dumps({**body, "id": identity}, separators=(",", ":"), ensure_ascii=False).encode()


def base(**more: Any) -> dict[str, Any]:
    return {"at": AT, "by": "Ann <a@b>", "kind": "recorded", "v": 1, **more}


@CALM
@example(kind=WORDS, by=WORDS, commit=st.none() | st.just("d" * 40), fields=BODIES)
def test_decode_gives_back_what_encode_was_given_and_the_line_itself(
    kind: str, by: str, commit: str | None, fields: dict[str, Any]
) -> None:
    line = encode(kind, AT, by, commit, fields)
    read = decode(line, KEY)
    assert isinstance(read, Event)
    assert (read.kind, read.at, read.by, read.key, read.line) == (kind, AT, by, commit or KEY, line)
    assert {name: value for name, value in read.body.items() if name in fields} == fields
    assert encode(read.kind, read.at, read.by, read.body.get("commit"), fields) == line
    assert b"\n" not in line


@CALM
@example(BODIES)
def test_the_bytes_are_compact_with_at_first_and_the_rest_sorted_at_every_depth(fields: dict[str, Any]) -> None:
    line = encode("recorded", AT, "b", None, fields)
    body = json.loads(line)
    names = list(body)
    assert names[0] == "at" and names[1:] == sorted(names[1:])
    assert line == json.dumps({"at": AT, **strictjson.sort_keys(body)}, separators=(",", ":"), ensure_ascii=False).encode()
    identity = body.pop("id")
    assert hashlib.sha256(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()[:16] == identity


@CALM
@example(st.binary(max_size=200) | FREE.map(lambda value: json.dumps(value).encode()))
def test_decode_never_raises_and_keeps_the_bytes(line: bytes) -> None:
    assert decode(line, KEY).line == line


@CALM
@example(position=st.integers(0, 10_000), letter=st.integers(0, 255))
def test_a_line_with_one_byte_changed_is_foreign(position: int, letter: int) -> None:
    line = encode("recorded", AT, "Ann <a@b>", KEY, {"trace": {"summary": "naïve"}})
    spot = position % len(line)
    changed = line[:spot] + bytes([letter]) + line[spot + 1 :]
    assert isinstance(decode(changed, KEY), Event if changed == line else Foreign)


FOREIGN = [
    (b"hello", "not ", False),
    (b"\xff\xfe", "not ", False),
    (b"[]", "not an event", False),
    (b'{"v":"1"}', "not an event", False),
    (signed(base(v=True)), "not an event", False),
    (signed(base(v=0)), "version 0 is unknown", False),
    (signed(base(v=-(2**63))), "unknown", False),
    (signed(base(v=2)), "version 2", True),
    (signed(base(v=2, weight=0.5)), "a fraction", True),
    (signed(base(v=999_999_999_999)), "version 999999999999", True),
    (b'{"at":1,"text":"' + b"a" * event.HARD_LIMIT + b'","v":2}', "longer than 65,536 bytes", True),
    (json.dumps(base(id="0" * 16), separators=(",", ":")).encode(), "its id does not verify", False),
    (json.dumps(base(), separators=(",", ":")).encode(), "its id does not verify", False),
    (signed(base(weight=0.5)), "a fraction", False),
    (signed(base(weight=1e5)), "a fraction", False),
    (signed(base(weight=2**63)), "out of range", False),
    (signed(base(text="a\0b")), "NUL", False),
    (signed(base(at="2026-11-20T13:00:00Z")), "not a time", False),
    (signed(base(at="2026-11-20T13:00:00.0000Z")), "not a time", False),
    (signed(base(at="2026-13-45T99:99:99.000Z")), "not a time", False),
    (signed(base(at="2026-02-30T00:00:00.000Z")), "not a time", False),
    (signed(base(at=5)), "`at` is not a string", False),
    (signed(base(kind=None)), "`kind` is not a string", False),
    (signed(base(commit=None)), "`commit` is not a string", False),
    (signed({name: value for name, value in base().items() if name != "by"}), "by", False),
    (b'{"v":1,"x":"\\ud800"}', "surrogate", False),
    (b'{"v":1,"v":1}', "stands twice", False),
    (b'{"a":' + b"[" * 60_000, "nested", False),
    (b'{"a":' * 13_000, "nested", False),
    (b'{"\\u0000":' + b"[" * 900 + b"]" * 900 + b"}", "nested", False),
    (b'{"v":1,"n":' + b"9" * 5000 + b"}", "out of range", False),
]


@pytest.mark.parametrize(("line", "why", "newer"), FOREIGN, ids=range(len(FOREIGN)))
def test_what_is_not_ours_to_read_is_foreign_with_the_reason(line: bytes, why: str, newer: bool) -> None:
    read = decode(line, KEY)
    assert isinstance(read, Foreign)
    assert why in read.why and len(read.why) < 200
    assert read.newer is newer and read.line == line


def test_an_unknown_kind_is_an_event_and_keeps_its_bytes() -> None:
    line = signed({"at": AT, "by": "x", "kind": "approved", "v": 1, "zz": {"b": [1], "a": None}})
    read = decode(line, KEY)
    assert isinstance(read, Event) and read.kind == "approved" and read.key == KEY and read.line == line


def test_an_id_inside_the_line_is_not_taken_for_the_lines_own() -> None:
    inner = {"decisions": [{"context": 'quoted ,"id":"0123456789abcdef"', "id": "0123456789abcdef"}]}
    line = encode("recorded", AT, "b", KEY, {"trace": inner})
    read = decode(line, KEY)
    assert isinstance(read, Event) and read.id != "0123456789abcdef"
    moved = line.replace(f',"id":"{read.id}"'.encode(), b"").replace(b"0123456789abcdef", read.id.encode())
    assert isinstance(decode(moved, KEY), Foreign)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"weight": 0.5}, "fraction"),
        ({"text": "a\0b"}, "NUL"),
        ({"text": "caf\udce9"}, "not UTF-8: 'caf', then byte 0xe9"),
        ({"n": 2**63}, "out of range"),
        ({"text": "a" * event.HARD_LIMIT}, "the limit is 65,536"),
        ({"commit": 5}, "commit"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        encode("recorded", AT, "b", None, fields)


def test_a_line_of_exactly_the_limit_is_written_and_read() -> None:
    frame = len(encode("recorded", AT, "b", None, {"text": ""}))
    line = encode("recorded", AT, "b", None, {"text": "a" * (event.HARD_LIMIT - frame)})
    assert len(line) == event.HARD_LIMIT and isinstance(decode(line, KEY), Event)


def test_an_old_version_is_brought_up_to_date_on_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    line = signed(base(v=0, old_name="x"))
    monkeypatch.setitem(event.UPCASTS, 0, lambda body: {**body, "v": 1, "new_name": body["old_name"]})
    read = decode(line, KEY)
    assert isinstance(read, Event) and read.body["new_name"] == "x" and read.line == line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1.5, "1970-01-01T00:00:01.500Z"),
        (-1, "1969-12-31T23:59:59.000Z"),
        (-1e-22, "1969-12-31T23:59:59.999Z"),
        (1e300, "9999-12-31T23:59:59.000Z"),
        (-1e300, "0001-01-01T00:00:00.000Z"),
        (2**63, "9999-12-31T23:59:59.000Z"),
    ],
)
def test_any_time_can_be_said(seconds: float, text: str) -> None:
    assert event.moment(seconds) == text
    assert isinstance(decode(encode("k", text, "b", None, {}), KEY), Event)


@CALM
@example(st.lists(st.floats(-7e10, 3e11), min_size=2, max_size=6))
def test_the_order_of_the_bytes_is_the_order_of_time(times: list[float]) -> None:
    assert sorted(map(event.moment, times)) == [event.moment(each) for each in sorted(times)]


def test_lines_are_split_at_line_feeds_alone() -> None:
    assert list(event.lines_of(b"\n\na\r\nb\x0bc\xe2\x80\xa8d\n \n\t\ne")) == [b"a\r", b"b\x0bc\xe2\x80\xa8d", b"e"]
