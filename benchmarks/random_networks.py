"""tests/test_random_networks.py on many networks, in chunks; goes on where it was stopped.

Writes results/random_networks.md and .json: how often each check was really made in each family, and the last line of
what failed. Under a second of CPU time a network:

    python -m benchmarks.random_networks --nets 2000
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import made_with
from pidnet.files import write_text

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "random_networks.json"
TESTS = "tests/test_random_networks.py"


def tried(seed: int, nets: int) -> dict:
    """One chunk: what was checked and what failed, with the last line that pytest gives for it."""
    with TemporaryDirectory() as folder:
        tally = Path(folder) / "tally.json"
        chosen = {"PIDNET_NETS": str(nets), "PIDNET_SEED": str(seed), "PIDNET_TALLY": str(tally)}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", TESTS],
            cwd=ROOT,
            env={**os.environ, **chosen, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1) or not tally.is_file():
            raise RuntimeError(f"{TESTS} did not run: {done.stdout[-2000:]}")
        checked = json.loads(tally.read_text())
    failed = re.findall(r"^E +(assert .*|\w*(?:Error|Exception|Warning)\b.*)$", done.stdout, re.M)
    if done.returncode and not failed:
        failed = [done.stdout.splitlines()[-1]]
    return {"seed": seed, "nets": nets, "checked": checked, "failed": failed}


def table(counts: Counter) -> list[str]:
    """Check by family, how often it was made."""
    split = {key: key.split(": ", 1) for key in counts}
    families = sorted({family for family, _ in split.values()})
    rows = ["| | " + " | ".join(families) + " | all |", "| --- " * (len(families) + 2) + "|"]
    for what in sorted({what for _, what in split.values()}):
        cells = [counts[f"{family}: {what}"] for family in families]
        rows.append(f"| {what} | {' | '.join(f'{n:,}' for n in (*cells, sum(cells)))} |")
    return rows


def write(commit: str, chunks: list[dict]) -> None:
    failed = [line for chunk in chunks for line in chunk["failed"]]
    nets = sum(chunk["nets"] for chunk in chunks)
    lines = [
        "# Random networks",
        "",
        f"Commit {commit}, {made_with.machine()}, load {os.getloadavg()[0]:.0f} at the end. "
        f"{len(chunks)} seeds, {nets:,} random networks for each of the four tests of",
        f"{TESTS}: {len(failed)} failed. How often each check was made (a network that has nothing to cut is",
        "drawn anew where a cut is checked; layers are counted one by one):",
        "",
        *table(sum((Counter(chunk["checked"]) for chunk in chunks), Counter())),
        "",
        *(f"- {line}" for line in failed),
    ]
    write_text(RESULTS, json.dumps({"commit": commit, "chunks": chunks}, indent=1))
    write_text(RESULTS.with_suffix(".md"), "\n".join(lines).rstrip() + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", type=int, default=2000)
    parser.add_argument("--chunk", type=int, default=250)
    chosen = parser.parse_args()
    commit = made_with.commit()
    known = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    chunks = known["chunks"] if known.get("commit") == commit else []
    while (have := sum(chunk["nets"] for chunk in chunks)) < chosen.nets:
        chunks.append(tried(len(chunks) + 1, min(chosen.chunk, chosen.nets - have)))
        write(commit, chunks)
        print(
            f"{have + chunks[-1]['nets']} of {chosen.nets}: {chunks[-1]['failed'] or 'none failed'}",
            flush=True,
        )


if __name__ == "__main__":
    main()
