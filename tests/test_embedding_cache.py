"""The embedding cache: what comes back, what survives damage, and two processes at once."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from contextgraph.errors import EmbeddingError
from contextgraph.index.embedding_cache import EmbeddingCache

WIDTH = 48


def some(count: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, WIDTH)).astype("f4")
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def texts(count: int) -> list[str]:
    return [f"fix: the text number {n}" for n in range(count)]


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path / "deep" / "embeddings.db", "model", WIDTH)


def test_what_was_put_comes_back_in_order_and_nothing_else(cache: EmbeddingCache) -> None:
    rows = some(1200)
    assert cache.get_many(["a"]) == [None] and not cache.path.exists()
    cache.put_many(texts(1200), rows)
    asked = ["new", *texts(1200)[::-1], "", texts(1200)[0]]
    got = cache.get_many(asked)
    assert [n for n, row in enumerate(got) if row is None] == [0, 1201]
    whole = np.array([row for row in got if row is not None])
    assert whole.dtype == np.float32
    assert np.allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-6)
    assert np.abs(whole - np.concatenate([rows[::-1], rows[:1]])).max() < 5e-4
    assert cache.get_many([]) == []


def test_texts_of_every_kind_are_told_apart(cache: EmbeddingCache) -> None:
    odd = ["", " ", "\n", "é", "e\u0301", "\ud800", "x" * 100_000, "\0"]
    cache.put_many(odd, some(len(odd)))
    got = cache.get_many(odd)
    assert all(row is not None and float(row @ want) > 0.999 for row, want in zip(got, some(len(odd)), strict=True))


def test_models_do_not_mix_and_a_second_put_replaces(cache: EmbeddingCache) -> None:
    other = EmbeddingCache(cache.path, "other model", WIDTH)
    cache.put_many(["a"], some(1))
    assert other.get_many(["a"]) == [None]
    other.put_many(["a"], some(1, seed=1))
    cache.put_many(["a"], some(1, seed=2))
    first, second = cache.get_many(["a"])[0], other.get_many(["a"])[0]
    assert first is not None and float(first @ some(1, seed=2)[0]) > 0.999
    assert second is not None and float(second @ some(1, seed=1)[0]) > 0.999
    assert EmbeddingCache(cache.path, "model", 8).get_many(["a"]) == [None], "another width is another vector"


def test_rounding_changes_no_ranking_that_matters(cache: EmbeddingCache) -> None:
    rows, questions = some(2000), some(50, seed=3)
    cache.put_many(texts(2000), rows)
    kept = np.array(cache.get_many(texts(2000)))
    before, after = questions @ rows.T, questions @ kept.T
    assert np.abs(before - after).max() < 5e-4
    assert (before.argmax(axis=1) == after.argmax(axis=1)).all()


def test_wrong_shapes_are_refused(cache: EmbeddingCache) -> None:
    for rows in (some(2), some(1)[:, :5], np.full((1, WIDTH), np.nan, "f4")):
        with pytest.raises(EmbeddingError):
            cache.put_many(["a"], rows)


def _half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _tail(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size))


def _noise_inside(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.seek(4096)
        stream.write(np.random.default_rng(0).bytes(path.stat().st_size - 4096))


def _text(path: Path) -> None:
    path.write_text("not a database, but longer than the magic number of one\n" * 100)


def _foreign_table(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE embedding (something INTEGER)")


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [_half, _tail, _noise, _noise_inside, _text, _foreign_table, _directory])
@pytest.mark.parametrize("first", ["get", "put"])
def test_a_damaged_file_is_moved_aside_and_made_anew(cache: EmbeddingCache, damage: Callable[[Path], None], first: str) -> None:
    rows = some(500)
    cache.put_many(texts(500), rows)
    damage(cache.path)
    if first == "get":
        for got, want in zip(cache.get_many(texts(500)), rows, strict=True):
            assert got is None or float(got @ want) > 0.999
    cache.put_many(texts(500), rows)
    assert all(got is not None and float(got @ want) > 0.999 for got, want in zip(cache.get_many(texts(500)), rows, strict=True))
    with sqlite3.connect(cache.path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_of_two_that_find_the_damage_the_second_spares_what_the_first_has_made(cache: EmbeddingCache) -> None:
    cache.put_many(["a"], some(1))
    _noise(cache.path)
    damaged = cache.path.stat().st_ino
    cache.put_many(["b"], some(1))
    cache._move_aside(damaged)  # what the second does, having looked before the first had healed
    assert cache.get_many(["b"])[0] is not None


def test_a_vector_that_rotted_on_the_disk_is_not_given_out(cache: EmbeddingCache) -> None:
    cache.put_many(["a", "b"], some(2))
    with sqlite3.connect(cache.path) as database:
        database.execute("UPDATE embedding SET vector = ? WHERE text = (SELECT min(text) FROM embedding)", [b"\x7b\x31" * WIDTH])
    assert sorted(row is None for row in cache.get_many(["a", "b"])) == [False, True]


def test_a_reader_is_never_refused(cache: EmbeddingCache, tmp_path: Path) -> None:
    cache.put_many(["a"], some(1))
    with sqlite3.connect(cache.path, isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert cache.get_many(["a"])[0] is not None
        writer.execute("ROLLBACK")
    blocked = tmp_path / "file"
    blocked.write_text("")
    nowhere = EmbeddingCache(blocked / "embeddings.db", "model", WIDTH)
    assert nowhere.get_many(["a"]) == [None]
    with pytest.raises(EmbeddingError, match="cannot be written"):
        nowhere.put_many(["a"], some(1))


def test_two_processes_fill_it_at_once_and_heal_it_at_once(cache: EmbeddingCache) -> None:
    cache.put_many(texts(500), some(500))
    _noise(cache.path)
    source = f"""
import sys
from pathlib import Path
import numpy as np
from contextgraph.index.embedding_cache import EmbeddingCache
cache, me = EmbeddingCache(Path(sys.argv[1]), "model", {WIDTH}), sys.argv[2]
rows = np.random.default_rng(0).standard_normal((50, {WIDTH})).astype("f4")
rows /= np.linalg.norm(rows, axis=1, keepdims=True)
for turn in range(20):
    texts = [f"{{me}}-{{turn}}-{{n}}" for n in range(50)]
    cache.put_many(texts, rows)
    assert turn < 2 or all(row is not None for row in cache.get_many(texts))
"""
    crowd = [subprocess.Popen([sys.executable, "-c", source, str(cache.path), str(n)], stderr=subprocess.PIPE) for n in range(3)]
    for process in crowd:
        _, words = process.communicate(timeout=60)
        assert process.returncode == 0, words.decode()
    kept = [f"{me}-{turn}-{n}" for me in range(3) for turn in range(3, 20) for n in range(50)]
    assert all(row is not None for row in cache.get_many(kept))
    assert sorted(path.name for path in cache.path.parent.glob("*.damaged")) == ["embeddings.db.damaged"]
