"""Random histories, real git: every decision must be where it belongs and nowhere else, and every status true.

A third of the time each goes to a clone with hooks, without any, and with hooks that half of the commands do not run. CG_FUZZ_SECONDS
sets how long in all (15 by default), CG_FUZZ_SEED the first of the seeds, CG_FUZZ_STEPS the length of a history (30). A failure names
the seed to repeat, with every command that was run. A long run, which must find nothing:

    CG_FUZZ_SECONDS=3600 CG_FUZZ_SEED=1000 nice pytest -q tests/test_fuzz.py

and one of longer histories, in which more meets:

    CG_FUZZ_STEPS=70 CG_FUZZ_SECONDS=3600 CG_FUZZ_SEED=1000 nice pytest -q tests/test_fuzz.py
"""

import os
import shutil
import time
from pathlib import Path

import pytest

from tests.conftest import Repo
from tests.rarer import world

SECONDS = float(os.environ.get("CG_FUZZ_SECONDS", "15"))
SEED = int(os.environ.get("CG_FUZZ_SEED", "1"))
STEPS = int(os.environ.get("CG_FUZZ_STEPS", "30"))


@pytest.mark.parametrize("hooks", ["on", "off", "mixed"])
def test_random_histories(hooks: str, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CG_WORKER", "off")
    ready = tmp_path / "ready"
    shutil.copytree(template, ready, symlinks=True)
    Repo(ready).cg("init", "--no-model")
    began, seed = time.monotonic(), SEED
    while seed == SEED or time.monotonic() - began < SECONDS / 3:
        faults = told(tmp_path, ready, hooks, seed)
        assert not faults, f"CG_FUZZ_SEED={seed} hooks {hooks}\n" + "\n".join(faults)
        seed += 1


def told(place: Path, ready: Path, hooks: str, seed: int) -> list[str]:
    """What is wrong after the history of a seed, behind the commands that led there: as few as can be."""
    kept = list(range(STEPS))
    found = lived(place, ready, hooks, seed, kept)
    for size in (8, 4, 2, 1, 1) if found else ():
        for begin in reversed(range(0, len(kept), size)):
            fewer = kept[:begin] + kept[begin + size :]
            if shorter := lived(place, ready, hooks, seed, fewer):
                kept, found = fewer, shorter
    return found


def lived(place: Path, ready: Path, hooks: str, seed: int, kept: list[int]) -> list[str]:
    """The history of a seed, as far as these steps of it go: each draws its own lots, so that it is the same without the others."""
    path = place / f"{hooks}{seed}"
    here = world(path, ready, hooks, seed)
    for number in kept:
        here.random.seed(f"{seed} {number}")
        here.step()
    faults = here.faults()
    shutil.rmtree(path)
    return [*here.steps, "", *faults] if faults else []
