"""demo, map and prune killed (SIGKILL) at random moments: nothing finished is lost, nothing false is read, no litter.

Runs tests/cli/killing.py, which says how moments are drawn and what is compared, and writes results/kills.md. About a
second of CPU time a kill:

    python -m benchmarks.kills --kills 200
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks import made_with
from pidnet.files import write_text

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "kills.md"


def found(kills: int) -> dict[str, dict[str, int]]:
    """What each command's folder held after the kills, and how often."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.killing", "--kills", str(kills)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def page(commit: str, counts: dict[str, dict[str, int]]) -> str:
    kinds = ["nothing yet", "run before", "part of it", "whole run"]
    lines = [
        "# Runs killed at random moments",
        "",
        f"Commit {commit}, load {os.getloadavg()[0]:.0f} at the end, small networks (tests/cli/killing.py).",
        "What stood in the folder after each kill; part of it: the first budgets of prune, or a demo without its page.",
        "",
        f"| command | kills | {' | '.join(kinds)} | faults |",
        "| --- " * (len(kinds) + 3) + "|",
    ]
    for command, by in counts.items():
        faults = {what: count for what, count in by.items() if what.startswith("fault")}
        cells = [sum(by.values()), *(by.get(kind, 0) for kind in kinds), sum(faults.values())]
        lines.append(f"| {command} | {' | '.join(map(str, cells))} |")
    lines += [f"- {command}, {what}" for command, by in counts.items() for what in by if "fault" in what]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    text = page(made_with.commit(), found(parser.parse_args().kills))
    write_text(RESULTS, text)
    print(text)


if __name__ == "__main__":
    main()
