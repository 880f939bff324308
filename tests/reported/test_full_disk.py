"""No room for a file: an error that names it, no half file, and nothing lost of what stood there."""

import resource
from contextlib import contextmanager

import networkx
import pytest

import pidnet as pn
from tests.reported.nets import X, Y, net


@contextmanager
def room(most):
    """The operating system refuses to write more than so many bytes into a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="module")
def writers():
    """Name of a file -> what writes it."""
    model = net(8, 40, 4)
    codes = pn.quantize(pn.capture(model, (X, Y)), 2)
    maps = pn.layer_maps(codes, "i_mmi", correction="none", null="none")
    plan = pn.plan_pruning(model, (X, Y), keep=0.9, criterion="l2")
    small = pn.apply_plan(model, plan, (X, Y), "none")
    graph = networkx.complete_graph(60)
    return {
        "map.npz": maps["0"].save,
        "maps": maps.save,
        "codes.npz": codes.save,
        "plan.json": plan.save,
        "graph.graphml": lambda path: pn.save_graph(graph, path),
        "graph.json": lambda path: pn.save_graph(graph, path),
        "small.safetensors": lambda path: pn.save_pruned(small, plan, X, path),
        "run": lambda path: pn.runs.write_run(path, maps),
    }


def contents(path):
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files if file.is_file() and file.name != ".lock"}


NAMES = [
    "map.npz",
    "maps",
    "codes.npz",
    "plan.json",
    "graph.graphml",
    "graph.json",
    "small.safetensors",
    "run",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_names_the_file_and_leaves_what_stood_there(writers, name, tmp_path):
    path = tmp_path / name
    with room(600), pytest.raises(OSError, match="File too large") as caught:
        writers[name](path)
    assert str(path) in str(caught.value)
    assert not path.exists() or contents(path) == {}
    writers[name](path)
    before = contents(path)
    assert before
    with room(600), pytest.raises(OSError, match="File too large"):
        writers[name](path)
    assert contents(path) == before
