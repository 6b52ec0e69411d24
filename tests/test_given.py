"""What somebody hands us as JSON: refused with the field, the value and what was expected, or taken whole."""

import json

import pytest
from hypothesis import given as example
from hypothesis import strategies as st

from contextgraph import given, strictjson
from contextgraph.errors import BadInputError
from tests.strategies import CALM

BAD = [
    # JSON itself
    ("", "not JSON"),
    ("{", "not JSON"),
    ('{"summary": "a"} x', "not JSON: Extra data at line 1, column 18"),
    ("[]", "this is a list"),
    ("null", "this is null"),
    ("true", "this is a boolean"),
    ("1.5", "this is a number"),
    ('{"summary": NaN}', "NaN is not JSON"),
    ('{"summary": -Infinity}', "-Infinity is not JSON"),
    ('{"summary": "a", "summary": "b"}', "the key `summary` stands twice"),
    ('{"decisions": [{"context": "a", "context": "b"}]}', "the key `context` stands twice"),
    ('{"summary": "\\ud800"}', "surrogate"),
    ('{"summary": "\\udc00\\ud800"}', "surrogate"),
    ('{"tool_calls": [{"tool": "t", "args": {"\\ud800": 1}}]}', "surrogate"),
    ('{"summary": "a\\u0000b"}', "NUL"),
    ('{"summary": "a\0b"}', "not JSON"),
    ('{"iterations": ' + "9" * 5000 + "}", "out of range"),
    ('{"iterations": 9223372036854775808}', "out of range"),
    ('{"tool_calls": [{"tool": "t", "args": 1e999}]}', "1e999 is out of range"),
    ('{"tool_calls": [{"tool": "t", "args": ' + "[" * 100 + "]" * 100 + "}]}", "nested in more than 100 levels"),
    ('{"a": ' * 1000 + "1" + "}" * 1000, "nested in more than 100 levels"),
    # the shape
    ('{"summary": 5}', "`summary` is 5: expected `str | null`, got `int`"),
    ('{"decisions": {}}', "`decisions`: expected `array`, got `object`"),
    ('{"decisions": null}', "`decisions` is null: expected `array`"),
    ('{"decisions": ["x"]}', '`decisions[0]` is "x": expected `object`, got `str`'),
    ('{"decisions": [{"context": "a"}, {"context": 1}]}', "`decisions[1].context` is 1: expected `str`, got `int`"),
    ('{"decisions": [{"context": "a", "selected": "x"}]}', '`decisions[0].selected` is "x": expected `int | null`'),
    ('{"decisions": [{"context": "a", "selected": 0}]}', "`decisions[0]`: `selected` is 0, and there are 0 options"),
    ('{"decisions": [{"context": "a", "category": "tools"}]}', '`decisions[0].category` is "tools": invalid enum value'),
    ('{"decisions": [{"context": "a", "risk": "LOW - at `$.x`"}]}', "`decisions[0].risk` is"),
    ('{"decisions": [{"context": "a", "confidence": "1e-1"}]}', '`decisions[0].confidence` is "1e-1": expected'),
    ('{"decisions": [{"context": "a", "confidence": "٠.٥"}]}', "`decisions[0].confidence`"),
    ('{"decisions": [{"context": "a", "confidence": 2}]}', "`confidence` is 2.0, and must be between 0 and 1"),
    ('{"decisions": [{"context": "a", "options": ["use it"]}]}', "`decisions[0].options[0]` is"),
    ('{"decisions": [{"context": "a", "options": [{}]}]}', "`decisions[0].options[0]`: object missing required field `description`"),
    ('{"decisions": [{}]}', "an empty decision"),
    ('{"duration": 1.5}', "`duration` is 1.5: expected `int | null`, got `float`"),
    ('{"duration": -1}', "`duration` is -1: expected `int` >= 0"),
    ('{"iterations": true}', "`iterations` is true: expected `int | null`, got `bool`"),
    ('{"tokens_used": {"input": -3}}', "`tokens_used.input` is -3: expected `int` >= 0"),
    ('{"tool_calls": [{"tool": "t", "timestamp": "yesterday"}]}', "`timestamp` is 'yesterday', and must be a time in UTC such as"),
    ('{"tool_calls": [{"tool": "t", "timestamp": "2026-02-30T00:00:00Z"}]}', "must be a time in UTC"),
]


@pytest.mark.parametrize(("text", "words"), BAD, ids=range(len(BAD)))
def test_bad_json_names_the_field_the_value_and_what_was_expected(text: str, words: str) -> None:
    with pytest.raises(BadInputError) as caught:
        given.parse(text.encode())
    assert words in caught.value.message
    assert "\n" not in caught.value.message and len(caught.value.message) < 250


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":['])
def test_a_hundred_thousand_levels_are_refused_and_not_a_crash(opening: bytes) -> None:
    with pytest.raises(BadInputError, match="nested"):
        strictjson.loads(opening * 100_000, floats=True)


def test_the_depth_limit_holds_wherever_it_is_called_from() -> None:
    def below(frames: int) -> object:
        return below(frames - 1) if frames else strictjson.loads(b'["\\u0001",' + b"[" * 99 + b"]" * 99 + b"]", floats=False)

    assert isinstance(below(700), list)
    with pytest.raises(BadInputError, match="100 levels"):
        strictjson.loads(b"[" * 101 + b"]" * 101, floats=False)


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ('{"sumary": "x"}', "unknown field `sumary`", "did you mean `summary`?"),
        ('{"decisions": [{"contxt": "x"}]}', "unknown field `decisions[0].contxt`", "did you mean `context`?"),
        ('{"decisions": [{"options": [{"descripton": "x"}]}]}', "unknown field `decisions[0].options[0].descripton`", "`description`"),
        ('{"tool_calls": [{"tool": "t", "arg": 1}]}', "unknown field `tool_calls[0].arg`", "did you mean `args`?"),
        ('{"tokens_used": {"inputs": 1}}', "unknown field `tokens_used.inputs`", "did you mean `input`?"),
        ('{"zzz": 1}', "unknown field `zzz`", "known here: "),
    ],
)
def test_a_misspelt_field_gets_a_suggestion(text: str, words: str, hint: str) -> None:
    with pytest.raises(BadInputError) as caught:
        given.parse(text.encode())
    assert caught.value.message == words
    assert hint in (caught.value.hint or "")
    assert "`sha`" not in (caught.value.hint or "")


def test_derived_fields_are_ignored_with_a_warning_each() -> None:
    shown = {
        "sha": "0" * 40, "status": "landed", "files": "nonsense", "extent": 5, "recorded": True, "summary": "s",
        "decisions": [{"context": "c", "id": "x", "trace_id": 1, "superseded_by": None, "timestamp": "no time"}],
    }  # fmt: skip
    trace, warnings = given.parse(json.dumps(shown).encode())
    assert trace.summary == "s" and trace.sha is None and trace.status is None and trace.recorded is False
    assert trace.decisions[0].id is None and trace.decisions[0].context == "c"
    assert [word.split("`")[1] for word in warnings] == [
        "extent", "files", "recorded", "sha", "status",
        "decisions[0].id", "decisions[0].superseded_by", "decisions[0].timestamp", "decisions[0].trace_id",
    ]  # fmt: skip


def test_the_size_limit_is_64_kb() -> None:
    frame = len(b'{"summary":""}')
    trace, _ = given.parse(b'{"summary":"%s"}' % (b"a" * (65_536 - frame)))
    assert trace.summary is not None and len(trace.summary) == 65_536 - frame
    with pytest.raises(BadInputError, match=r"the trace has 65,537 bytes; the limit is 65,536"):
        given.parse(b'{"summary":"%s"}' % (b"a" * (65_537 - frame)))


def test_latin_1_and_utf_16_are_named_and_a_byte_order_mark_is_passed_over() -> None:
    with pytest.raises(BadInputError, match="not UTF-8: byte 0xe9 at offset 13"):
        given.parse(b'{"summary":"x\xe9"}')
    with pytest.raises(BadInputError, match="not UTF-8: byte 0xff at offset 0"):
        given.parse('{"summary":"x"}'.encode("utf-16"))
    assert given.parse(b"\xef\xbb\xbf" + b'{"summary":"x"}')[0].summary == "x"


def test_a_duplicate_at_the_end_of_a_long_object_is_found_at_once() -> None:
    keys = ",".join(f'"{number:x}":1' for number in range(7000))
    with pytest.raises(BadInputError, match="`1b57` stands twice"):
        strictjson.loads(f'{{{keys},"1b57":2}}'.encode(), floats=False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["decisions", "context", "options", "args", "x"]), inner),
    max_leaves=20,
)


@CALM
@example(st.dictionaries(st.sampled_from(["decisions", "tool_calls", "summary", "duration", "tokens_used", "sha", "areas"]), JSON))
def test_any_json_is_taken_or_refused_in_one_sentence(raw: dict[str, object]) -> None:
    try:
        given.parse(json.dumps(raw).encode())
    except BadInputError as error:
        assert error.message and "\n" not in error.message
