"""Maps of other processes, whose worker or client is killed in the middle, and two clients on one store."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet import files
from pidnet.codes import Codes

UNITS, SAMPLES = 520, 40  # six tiles
OPTIONS = {"correction": "none", "null": "none"}


def some_codes():
    draw = torch.Generator().manual_seed(0)
    layer = torch.randint(2, (SAMPLES, UNITS), generator=draw)
    return Codes.of({"fc1": layer}, layer[:, 0], 2)


def deadly(folder, after):
    """I_MMI, whose process kills itself once, with the tile that comes after so many."""

    def measure(tables):
        from pidnet.measures import MEASURES  # in the worker, which gets this function by value

        done = len(list(Path(folder).glob("tile*")))
        (Path(folder) / f"tile{done}").touch()
        if done == after:
            os.kill(os.getpid(), signal.SIGKILL)
        return MEASURES["i_mmi"](tables)

    return measure


@pytest.mark.parametrize(
    "pool",
    ["concurrent.futures.ProcessPoolExecutor(1, mp.get_context('spawn'))", "loky.ProcessPoolExecutor(1)"],
)
def test_processes_make_tiles_too(pool):
    """In a new process, so that its workers need not fork one that has threads."""
    library = pool.partition(".ProcessPool")[0]
    pytest.importorskip(library)
    code = (
        f"import {library}, multiprocessing as mp, pidnet as pn\n"
        "from pidnet.codes import Codes\n"
        "if __name__ == '__main__':\n"
        "    codes = Codes.of({'a': [[k % 2, k // 2 % 2, k % 3] for k in range(60)]}, [k % 2 for k in range(60)])\n"
        f"    with {pool} as pool:\n"
        "        found = pn.layer_maps(codes, 'i_mmi', executor=pool)['a'].matrix('redundancy')\n"
        "    assert abs(found[0, 1] - pn.layer_maps(codes, 'i_mmi')['a'].matrix('redundancy')[0, 1]) < 1e-6\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)


def test_a_killed_worker_of_dask_loses_no_tile(tmp_path):
    distributed = pytest.importorskip("distributed")
    codes = some_codes()
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster,
        cluster.get_client() as client,
    ):
        first = client.run(os.getpid)
        executor = client.get_executor()
        found = pn.layer_maps(codes, deadly(str(tmp_path), 2), executor=executor, **OPTIONS)["fc1"]
        assert client.run(os.getpid).values() != first.values()
    expected = pn.layer_maps(codes, "i_mmi", **OPTIONS)["fc1"]
    np.testing.assert_allclose(found.matrix("redundancy"), expected.matrix("redundancy"), atol=2e-7)


def test_a_killed_client_goes_on_where_it_was(tmp_path):
    store, marks = tmp_path / "store", tmp_path / "marks"
    marks.mkdir()
    code = (
        "import sys, pidnet as pn\n"
        "from tests.maps.test_killed_tiles import OPTIONS, deadly, some_codes\n"
        "pn.layer_maps(some_codes(), deadly(sys.argv[2], 4), store=sys.argv[1], **OPTIONS)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(store), str(marks)], timeout=600)
    assert killed.returncode == -signal.SIGKILL
    done = {
        path: path.read_bytes() for path in (store / "fc1" / "values" / "c").rglob("[0-9]*") if path.is_file()
    }
    assert done
    calls = len(list(marks.iterdir()))
    found = pn.layer_maps(some_codes(), deadly(str(marks), -1), store=store, **OPTIONS)["fc1"]
    assert all(path.read_bytes() == known for path, known in done.items())
    assert len(list(marks.iterdir())) - calls <= 1 + 6 - len(done)  # one call tries the measure
    expected = pn.layer_maps(some_codes(), "i_mmi", **OPTIONS)["fc1"]
    np.testing.assert_allclose(found.matrix("redundancy"), expected.matrix("redundancy"), atol=2e-7)


def test_a_second_client_waits_for_the_first_and_then_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    code = (
        "import sys\n"
        "from pidnet.files import sole_writer\n"
        "with sole_writer(sys.argv[1]):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], **pipes) as first:
        assert first.stdout.readline() == "held\n"
        with pytest.raises(TimeoutError, match="another process is writing into"):
            pn.layer_maps(some_codes(), "i_mmi", store=tmp_path, **OPTIONS)
        first.communicate("go\n")
    assert pn.layer_maps(some_codes(), "i_mmi", store=tmp_path, **OPTIONS)["fc1"].units.size == UNITS
