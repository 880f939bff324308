"""A few kills; ``python -m benchmarks.kills`` makes hundreds."""

import json
import subprocess
import sys

import pytest
import torch


@pytest.mark.skipif(torch.cuda.is_available(), reason="a process that was forked has no CUDA")
def test_a_run_that_is_killed_loses_nothing_tells_nothing_false_and_leaves_no_litter():
    words = [sys.executable, "-m", "tests.cli.killing", "--kills", "6"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found.keys() == {"demo", "map", "prune"}
    assert [what for counts in found.values() for what in counts if what.startswith("fault")] == []
    assert sum(count for counts in found.values() for count in counts.values()) == 6
