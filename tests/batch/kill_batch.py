"""Kill a batch run with signal 9 at moments of chance, again and again; it must end with the bytes of a quiet run.

python tests/batch/kill_batch.py --home DIR [--rows 200000] [--kills 200] [--seed 1] [--longest 0.45]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "benchmarks")]


def forked(work: Callable[[], object]) -> int:
    """A child of this process that does the work and ends with 0; its number."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException as error:  # the parent must be told, whatever it was
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(1)


def life(work: Callable[[], object], seconds: float) -> int | None:
    """Let a child work for so long, then kill it; its exit code, or None when it was killed."""
    child = forked(work)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return None if code == -signal.SIGKILL else code


def kill_runs(
    source: Path,
    folder: Path,
    run: Callable[[Path, bool], object],
    *,
    kills: int,
    seed: int,
    ending: str = ".parquet",
    longest: float = 0.45,
) -> dict[str, Any]:
    """Run a batch to its end as often as it takes to be killed so many times.

    Args:
        source: input; only its presence matters here.
        folder: where results go.
        run: scores the source into a path, resuming or not.
        kills: how many kills.
        seed: of the moments.
        ending: ending of the result.
        longest: longest life of a run that will be killed, as a part of what a quiet run takes.

    Returns:
        Kills, runs that came to their end, and how many of these had other bytes than a quiet run.
    """
    chance, quiet = random.Random(seed), folder / f"quiet{ending}"
    began = time.monotonic()
    code = life(lambda: run(quiet, False), 3600.0)
    if code != 0 or not source.exists():
        raise SystemExit(f"the quiet run ended with {code}")
    usual = time.monotonic() - began
    files = (ending, f".rejects{ending}")
    expected = [quiet.with_name(f"quiet{each}").read_bytes() for each in files]
    out = folder / f"killed{ending}"
    killed = ended = differ = partial = 0
    while killed < kills or ended == 0:
        still = killed < kills
        code = life(lambda: run(out, True), chance.uniform(0.0, longest * usual) if still else 3600.0)
        if code is None:
            killed += 1
            partial += (folder / "killed.parts" / "journal.jsonl").exists()
            continue
        if code != 0:
            raise SystemExit(f"a resumed run ended with {code}")
        ended += 1
        differ += [out.with_name(f"killed{each}").read_bytes() for each in files] != expected
        for path in folder.glob("killed*"):
            path.unlink()
    found = {"kills": killed, "in_the_middle": partial, "runs": ended, "differ": differ}
    return found | {"seconds_quiet": round(usual, 1)}


def main() -> None:
    from batch_input import write_rows

    from serving.batch import Limits, Options, run_batch
    from serving.batch.scorer import ServedScorer

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=0.45)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "in.parquet"
        if life(lambda: write_rows(source, given.rows), 3600.0) != 0:
            raise SystemExit("the input was not written")

        def run(out: Path, resume: bool) -> None:
            options = Options(Limits(chunk_rows=5_000), resume=resume)
            run_batch(source, out, scorer=ServedScorer(given.home), options=options)

        found = kill_runs(source, folder, run, kills=given.kills, seed=given.seed, longest=given.longest)
    print(json.dumps({"rows": given.rows, **found}))


if __name__ == "__main__":
    main()
