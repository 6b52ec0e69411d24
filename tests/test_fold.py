"""The fold: any order and any partition of the same lines gives the same state."""

import random
from typing import Any

from hypothesis import given as example
from hypothesis import strategies as st

from contextgraph.event import Event, Foreign, decode, encode
from contextgraph.fold import Edge, State, fold, gather, given_trace, supersessions
from tests.strategies import CALM

SHAS = [letter * 40 for letter in "abcde"]
IDS = [f"cg-{number:012x}" for number in range(4)]
TIMES = [f"2026-01-0{day}T00:00:00.000Z" for day in range(1, 5)]
HOWS = ["amend", "rebase", "squash", "cherry-pick", "reset", "remap", "teleported"]


def fields() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    decision = st.fixed_dictionaries(
        {"context": st.sampled_from("xyz"), "id": st.sampled_from(IDS), "source": st.sampled_from(["authored", "trailer"])}
    )
    trace = st.fixed_dictionaries({}, optional={"summary": st.sampled_from("st"), "decisions": st.lists(decision, max_size=2)})
    some_id = st.sampled_from(IDS) | st.sampled_from(SHAS) | st.none() | st.just(7)
    return st.one_of(
        st.tuples(st.just("recorded"), st.fixed_dictionaries({"trace": trace | st.just("nonsense")})),
        st.tuples(st.just("carried"), st.fixed_dictionaries({"from": st.sampled_from(SHAS), "how": st.sampled_from(HOWS)})),
        st.tuples(st.just("superseded"), st.fixed_dictionaries({"target": some_id, "with": some_id, "because": st.sampled_from("pq")})),
        st.tuples(st.just("merged"), st.fixed_dictionaries({"branch": st.just("main"), "via": st.sampled_from(["#1", "#2"])})),
        st.tuples(st.just("acked"), st.fixed_dictionaries({"finding": some_id, "because": st.sampled_from("pq")})),
        st.tuples(st.sampled_from(["redacted", "purged", "unheard-of"]), st.fixed_dictionaries({"target": some_id})),
    )


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, bytes]:
    """(note key, line); some lines name their commit, others belong to whatever note they stand in."""
    kind, body = draw(fields())
    key = draw(st.sampled_from(SHAS))
    line = encode(kind, draw(st.sampled_from(TIMES)), draw(st.sampled_from("AB")), draw(st.none() | st.just(key)), body)
    return key, line


def decoded(pairs: list[tuple[str, bytes]]) -> list[Event]:
    return [read for key, line in pairs if isinstance(read := decode(line, key), Event)]


def everything(state: State) -> tuple[State, list[Any]]:
    return state, [given_trace(state, sha) for sha in SHAS]


@CALM
@example(pairs=st.lists(lines(), max_size=12), seed=st.randoms(use_true_random=False), as_of=st.none() | st.sampled_from(TIMES))
def test_any_order_any_partition_and_any_repetition_give_one_state(
    pairs: list[tuple[str, bytes]], seed: random.Random, as_of: str | None
) -> None:
    expected = everything(fold(decoded(pairs), as_of))
    shuffled = pairs + seed.sample(pairs, len(pairs) // 2)
    seed.shuffle(shuffled)
    assert everything(fold(decoded(shuffled), as_of)) == expected
    # Clones that each hold a part, merged two by two in any order, as notes are: a set of lines a key.
    clones: list[dict[str, set[bytes]]] = [{} for _ in range(4)]
    for key, line in shuffled:
        clones[seed.randrange(4)].setdefault(key, set()).add(line)
    while len(clones) > 1:
        one, other = clones.pop(seed.randrange(len(clones))), clones.pop(seed.randrange(len(clones)))
        clones.append({key: one.get(key, set()) | other.get(key, set()) for key in {*one, *other}})
    merged = [(key, line) for key, held in sorted(clones[0].items()) for line in sorted(held)]
    assert everything(fold(decoded(merged), as_of)) == expected


@CALM
@example(pairs=st.lists(lines(), max_size=12), as_of=st.sampled_from(TIMES))
def test_the_state_as_of_a_time_is_the_fold_of_what_was_said_by_then(pairs: list[tuple[str, bytes]], as_of: str) -> None:
    events = decoded(pairs)
    tombstones = [event for event in events if event.kind in ("redacted", "purged")]
    assert fold(events, as_of) == fold([event for event in events if event.at <= as_of] + tombstones, as_of)


@CALM
@example(st.lists(st.tuples(*[st.sampled_from(each) for each in (TIMES, "12", IDS, IDS, "pq")]), max_size=15), st.randoms())
def test_supersession_never_closes_a_circle_and_does_not_depend_on_order(edges: list[Edge], seed: random.Random) -> None:
    found, problems = supersessions(edges)
    for start in found:
        seen, step = set(), start
        while step in found:
            assert step not in seen
            seen.add(step)
            step = found[step].by_id
    seed.shuffle(edges)
    assert supersessions(edges) == (found, problems)


def made(kind: str, key: str, body: dict[str, Any], at: str = TIMES[0], commit: bool = True) -> Event:
    read = decode(encode(kind, at, "Ann", key if commit else None, body), key)
    assert not isinstance(read, Foreign)
    return read


def recorded(key: str, context: str, source: str = "authored", at: str = TIMES[0], **more: Any) -> Event:
    decision = {"context": context, "id": f"cg-{context.encode().hex():0>12}", "source": source}
    return made("recorded", key, {"trace": {"decisions": [decision], **more}}, at)


def contexts(state: State, sha: str) -> list[str]:
    return [decision.context for decision in given_trace(state, sha).decisions]


def test_a_line_without_commit_that_stands_in_two_notes_belongs_to_both() -> None:
    line = encode("recorded", TIMES[0], "Ann", None, {"trace": {"summary": "s"}})
    a, b = (decode(line, sha) for sha in SHAS[:2])
    assert isinstance(a, Event) and isinstance(b, Event)
    for order in ([a, b], [b, a]):
        state = fold(order)
        assert given_trace(state, SHAS[0]).summary == given_trace(state, SHAS[1]).summary == "s"


def test_records_follow_any_number_of_rewrites_and_a_circle_of_links_ends() -> None:
    a, b, c, d, _ = SHAS
    links = [made("carried", new, {"from": old, "how": "amend"}) for new, old in ((b, a), (c, b), (a, c))]
    state = fold([recorded(a, "p"), *links, made("carried", d, {"from": d, "how": "amend"})])
    assert contexts(state, c) == ["p"]
    assert [source.commit for source in gather(state, c)[1]] == [b, a]
    assert state.links.get(d) is None


def test_a_new_message_speaks_for_itself_and_a_squashed_one_goes_along() -> None:
    a, b, c, d, _ = SHAS
    events = [
        recorded(a, "old trailer", "trailer"), recorded(a, "said", "authored"),
        made("carried", b, {"from": a, "how": "amend"}), made("carried", c, {"from": a, "how": "squash"}),
        made("carried", d, {"from": c, "how": "rebase"}),
    ]  # fmt: skip
    state = fold(events)
    assert contexts(state, b) == ["said"]
    assert sorted(contexts(state, c)) == sorted(contexts(state, d)) == ["old trailer", "said"]


def test_tombstones_hide_events_and_single_decisions_at_every_time() -> None:
    first, second = recorded(SHAS[0], "p"), recorded(SHAS[0], "q", at=TIMES[1])
    assert contexts(fold([first, second]), SHAS[0]) == ["p", "q"]
    hidden = made("redacted", SHAS[0], {"target": first.id}, TIMES[3])
    assert contexts(fold([first, second, hidden], TIMES[2]), SHAS[0]) == ["q"]
    one = given_trace(fold([second]), SHAS[0]).decisions[0].id
    assert contexts(fold([first, second, made("purged", SHAS[1], {"target": one}, TIMES[3])]), SHAS[0]) == ["p"]
    assert contexts(fold([first, made("redacted", SHAS[0], {}), made("redacted", SHAS[0], {"target": None})]), SHAS[0]) == ["p"]


def test_scalars_are_the_last_said_and_lists_are_joined() -> None:
    early = made("recorded", SHAS[0], {"trace": {"summary": "a", "branch": "x", "areas": ["m"]}}, TIMES[0])
    late = made("recorded", SHAS[0], {"trace": {"summary": "b", "areas": ["k", "m"]}}, TIMES[1])
    trace = given_trace(fold([late, early]), SHAS[0])
    assert (trace.summary, trace.branch, trace.areas) == ("b", "x", ["k", "m"])
    assert (trace.created_at, trace.updated_at) == (TIMES[0], TIMES[1])


def test_a_strangers_trace_that_cannot_be_read_counts_as_empty_and_hides_nothing_else() -> None:
    odd = made("recorded", SHAS[0], {"trace": {"decisions": [{"selected": 5}]}})
    assert contexts(fold([odd, recorded(SHAS[0], "p", at=TIMES[1])]), SHAS[0]) == ["p"]


def test_a_decision_is_superseded_by_its_id_and_by_the_commit_it_was_recorded_on() -> None:
    event = recorded(SHAS[0], "p")
    decision = given_trace(fold([event]), SHAS[0]).decisions[0]
    for target in (decision.id, SHAS[0], SHAS[0][:7]):
        state = fold([event, made("superseded", SHAS[0], {"target": target, "with": IDS[1]}, TIMES[2])])
        assert given_trace(state, SHAS[0]).decisions[0].superseded_by == IDS[1]
    assert given_trace(fold([event, made("superseded", SHAS[0], {"target": "aaaaaa", "with": IDS[1]})]), SHAS[0]).decisions == [decision]


def test_of_two_that_would_close_a_circle_the_earlier_wins() -> None:
    there = made("superseded", SHAS[0], {"target": IDS[0], "with": IDS[1], "because": "x"}, TIMES[0])
    back = made("superseded", SHAS[0], {"target": IDS[1], "with": IDS[0]}, TIMES[1])
    state = fold([back, there])
    assert list(state.superseded) == [IDS[0]] and len(state.problems) == 1 and back.id in state.problems[0]
    selfish = fold([made("superseded", SHAS[0], {"target": IDS[0], "with": IDS[0]})])
    assert selfish.superseded == {} and len(selfish.problems) == 1
