"""tests/test_random_networks.py on many networks, in chunks; goes on where it was stopped.

Writes results/random_networks.md and .json: how many networks each test tried, and the last line of what failed.
About half a second of CPU time a network:

    python -m benchmarks.random_networks --nets 2000
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from pidnet.files import write_text

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "random_networks.json"
TESTS = "tests/test_random_networks.py"


def tried(seed: int, nets: int) -> dict:
    """One chunk: what failed, with the last line that pytest gives for it."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", TESTS],
        cwd=ROOT,
        env={**os.environ, "PIDNET_NETS": str(nets), "PIDNET_SEED": str(seed), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{TESTS} did not run: {done.stdout[-2000:]}")
    return {
        "seed": seed,
        "nets": nets,
        "failed": re.findall(r"^E +(\w*(?:Error|Exception)\b.*)$", done.stdout, re.M),
    }


def write(commit: str, chunks: list[dict]) -> None:
    failed = [line for chunk in chunks for line in chunk["failed"]]
    nets = sum(chunk["nets"] for chunk in chunks)
    lines = [
        f"Commit {commit}, {len(chunks)} seeds, {nets:,} random networks for each of the four tests of {TESTS}:",
        f"{len(failed)} failed.",
        "",
        *(f"- {line}" for line in failed),
    ]
    write_text(RESULTS, json.dumps({"commit": commit, "chunks": chunks}, indent=1))
    write_text(RESULTS.with_suffix(".md"), "\n".join(lines).rstrip() + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", type=int, default=2000)
    parser.add_argument("--chunk", type=int, default=100)
    chosen = parser.parse_args()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
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
