import os
import subprocess
import sys

import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet import files
from pidnet.files import (
    Saved,
    current,
    one_change,
    plain,
    replacing,
    safe_name,
    settled,
    sole_writer,
    write_text,
)

LOADERS = {
    "map": pn.LayerMap.load,
    "codes": pn.Codes.load,
    "plan": pn.PruningPlan.load,
    "graph": lambda path: pn.load_graph(f"{path}.json"),
    "pruned": lambda path: pn.load_pruned(pn.zoo.mlp(4, (3,), 2), path),
    **{kind.__name__: kind.load for kind in Saved.__subclasses__()},
}


def test_a_file_is_written_whole(tmp_path):
    path = write_text(tmp_path / "deep" / "note.txt", "é")
    assert path.read_text(encoding="utf-8") == "é"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write_text(tmp_path / "note.txt", "old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_long_ago_goes_with_the_next_file(tmp_path):
    old, young = (tmp_path / f"{files.TEMPORARY}{name}.txt" for name in ("old", "young"))
    old.write_text("half")
    young.write_text("half")
    os.utime(old, (0, 0))
    write_text(tmp_path / "note.txt", "whole")
    assert {path.name for path in tmp_path.iterdir()} == {"note.txt", young.name}


def test_names_of_files_are_safe_short_and_different():
    assert safe_name("blocks.0.fc1") == "blocks.0.fc1"
    names = ["A", "a", "a/b", "a_b", "../a", ".", "", "\n", "x" * 300, "x" * 301]
    safe = [safe_name(name).lower() for name in names]
    assert len(set(safe)) == len(names)
    for name in safe:
        assert len(name) < 140
        assert not set(name) & set("/\\\n")
        assert name[0] not in ".-"


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_a_file_that_is_not_there_is_named_in_a_sentence(load, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^there is no file .*a\.b") as caught:
        load(tmp_path / "a.b")
    assert caught.value.errno is None
    if load != pn.Codes.load:  # codes may lie in a folder
        (tmp_path / "a.b.json").mkdir()
        (tmp_path / "a.b").mkdir()
        with pytest.raises(IsADirectoryError, match=r"a\.b.* is a folder; expected a file"):
            load(tmp_path / "a.b")


def test_a_folder_without_maps_is_named_in_a_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no maps; expected a folder"):
        pn.LayerMaps.load(tmp_path)


def test_what_is_saved_under_names_with_dots_stays_apart(tmp_path):
    codes = pn.quantize(pn.Activations({"a": torch.eye(4)}, torch.arange(4) % 2, {"a": "none"}), 2)
    layer_map = pn.layer_maps(codes, "i_min", correction="none")["a"]
    net, x = pn.zoo.mlp(4, (3,), 2), torch.zeros(1, 4)
    for name in ("blocks.0", "blocks.1"):
        layer_map.save(tmp_path / f"map-{name}")
        codes.save(tmp_path / f"codes-{name}")
        pn.save_pruned(net, pn.PruningPlan({"fc1": [0, 1, 2]}, {}, "by hand"), x, tmp_path / f"net-{name}")
    assert len(list(tmp_path.iterdir())) == 6
    assert pn.LayerMap.load(tmp_path / "map-blocks.0").layer == "a"
    assert len(pn.Codes.load(tmp_path / "codes-blocks.0")) == 4
    assert pn.load_pruned(net, tmp_path / "net-blocks.0").fc1.out_features == 3


def test_plain_values_are_what_json_takes():
    values = {"a": np.array([1.0, np.nan]), 2: (float("inf"), np.float32(0.5), np.int64(3), True, "x", None)}
    assert plain(values) == {"a": [1.0, None], 2: [None, 0.5, 3, True, "x", None]}


WRITER = """
import sys, time
from pidnet.files import replacing, sole_writer
with sole_writer(sys.argv[1]), replacing(sys.argv[1] + "/note.txt") as temporary:
    temporary.write_text("half")
    print("writing", flush=True)
    time.sleep(600)
"""


def test_a_killed_writer_keeps_others_out_only_while_it_lives(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"writing\n"
        with pytest.raises(TimeoutError, match="another process is writing into"), sole_writer(tmp_path):
            pass
        writer.kill()
    assert list(tmp_path.glob(".pidnet-*"))
    with sole_writer(tmp_path), sole_writer(tmp_path):
        write_text(tmp_path / "note.txt", "whole")
    assert {path.name for path in tmp_path.iterdir()} <= {"note.txt", ".lock"}


CHANGER = """
import os, sys
from pathlib import Path
from pidnet import files
folder, moves = Path(sys.argv[1]), int(sys.argv[2])
move = os.replace
def counted(*places):
    global moves
    moves -= 1
    if moves < 0:
        os.kill(os.getpid(), 9)
    move(*places)
os.replace = counted
with files.one_change(folder) as staged:
    for name in "abc":
        (staged / name).write_text("new")
    (staged / files.GONE).write_text("old")
    if moves == 0:
        os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("moves", [0, 1, 2, 3])
def test_a_change_that_is_killed_is_made_whole_or_not_at_all(tmp_path, moves):
    for name in ("a", "b", "old"):
        (tmp_path / name).write_text("old")
    subprocess.run([sys.executable, "-c", CHANGER, str(tmp_path), str(moves)], check=False)
    with settled(tmp_path):
        found = {path.name: path.read_text() for path in tmp_path.iterdir() if path.name != ".lock"}
    before, after = dict.fromkeys(("a", "b", "old"), "old"), dict.fromkeys("abc", "new")
    assert found == (after if moves else before)


def test_a_change_inside_a_change_is_part_of_it(tmp_path):
    def fail():
        with one_change(tmp_path):
            with one_change(tmp_path) as staged:
                write_text(staged / "a", "new")
            assert current(tmp_path, "a").read_text() == "new"
            assert not (tmp_path / "a").exists()
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert {path.name for path in tmp_path.iterdir()} <= {".lock"}


def test_a_full_disk_says_which_file_it_had_no_room_for(tmp_path):
    def fail():
        with replacing(tmp_path / "note.txt"):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"note\.txt"):
        fail()
