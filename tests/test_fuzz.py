"""Random histories, real git: every decision must be where it belongs and nowhere else, and every status true.

A third of the time each goes to a clone with hooks, without any, and with hooks that half of the commands do not run. CG_FUZZ_SECONDS
sets how long in all (15 by default), CG_FUZZ_SEED the first of the seeds, CG_FUZZ_STEPS the length of a history (30). A failure names
the seed to repeat, with every command that was run. A long run, which must find nothing:

    CG_FUZZ_SECONDS=3600 CG_FUZZ_SEED=1000 nice pytest -q tests/test_fuzz.py
"""

import os
import shutil
import time
from pathlib import Path

import pytest

from tests.doings import world

SECONDS = float(os.environ.get("CG_FUZZ_SECONDS", "15"))
SEED = int(os.environ.get("CG_FUZZ_SEED", "1"))
STEPS = int(os.environ.get("CG_FUZZ_STEPS", "30"))


@pytest.mark.parametrize("hooks", ["on", "off", "mixed"])
def test_random_histories(hooks: str, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CG_WORKER", "off")
    ready = tmp_path / "ready"
    shutil.copytree(template, ready, symlinks=True)
    from tests.conftest import Repo

    Repo(ready).cg("init", "--no-model")
    began, seed = time.monotonic(), SEED
    while seed == SEED or time.monotonic() - began < SECONDS / 3:
        here = world(tmp_path / f"{hooks}{seed}", ready, hooks, seed)
        for _ in range(STEPS):
            here.step()
        faults = here.faults()
        assert not faults, f"CG_FUZZ_SEED={seed} hooks {hooks}\n" + "\n".join([*here.steps, "", *faults])
        shutil.rmtree(tmp_path / f"{hooks}{seed}")
        seed += 1
