import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from pidnet.files import one_change
from pidnet.report import write_report
from pidnet.runs import map_file, read_run, write_maps, write_pictures, write_run, write_settings
from tests.small_run import EVIL


def test_a_run_comes_back_in_its_order(run_folder):
    run = read_run(run_folder)
    assert [(layer_map.layer, layer_map.measure) for layer_map in run.maps] == [
        (layer, measure) for measure in ("i_min", "i_mmi") for layer in (EVIL, "fc2")
    ]
    assert [budget.name for budget in run.budgets] == ["0.5", "0.25"]
    assert run.settings["map"]["seed"] == 0
    assert "torch" in run.settings["map"]
    assert len(run.settings["map"]["run"]) == 16


def test_a_second_command_adds_its_settings(tmp_path):
    write_settings(tmp_path, "map", {"seed": 1})
    write_settings(tmp_path, "prune", {"seed": 2})
    write_settings(tmp_path, "map", {"seed": 3})
    assert {name: one["seed"] for name, one in read_run(tmp_path).settings.items()} == {"map": 3, "prune": 2}


def test_maps_written_again_take_the_place_of_all_that_came_from_the_others(run_folder, tmp_path):
    maps = read_run(run_folder).maps
    write_settings(tmp_path, "map", {})
    write_maps(tmp_path, maps)
    write_pictures(tmp_path, {"map.png": lambda path: path.write_bytes(b"picture")}, "map")
    (tmp_path / "report.html").write_text("of the first maps")
    assert [path.name for path in read_run(tmp_path).pictures] == ["map.png"]
    write_maps(tmp_path, maps[3:])
    (found,) = read_run(tmp_path).maps
    np.testing.assert_array_equal(found.atoms.synergy, maps[3].atoms.synergy)
    files = {"settings.json", "files.json", "layers.json", "layers.csv", "fc2-i_mmi.npz"}
    assert {path.name for path in tmp_path.iterdir()} - {".lock"} == files


def test_settings_and_maps_of_different_runs_are_not_read_as_one(run_folder, tmp_path):
    write_settings(tmp_path, "map", {"levels": 4})
    write_maps(tmp_path, read_run(run_folder).maps)
    write_settings(tmp_path, "prune", {"levels": 5})
    assert len(read_run(tmp_path).maps) == 4
    write_settings(tmp_path, "map", {"levels": 5})
    with pytest.raises(ValueError, match=r"layers\.json is of run \w+ of map, settings\.json of \w+"):
        read_run(tmp_path)
    write_settings(tmp_path, "map", {"levels": 4})
    assert len(read_run(tmp_path).maps) == 4


def test_a_run_that_fails_halfway_leaves_the_one_before(run_folder, tmp_path):
    shutil.copytree(run_folder, tmp_path, dirs_exist_ok=True)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def stopped():
        with one_change(tmp_path):
            write_settings(tmp_path, "map", {"seed": 1})
            write_maps(tmp_path, read_run(run_folder).maps[:1])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_lies_about_its_files_costs_no_file_elsewhere(run_folder, tmp_path):
    folder, other = tmp_path / "run", tmp_path / "mine.txt"
    other.write_text("mine")
    shutil.copytree(run_folder, folder)
    known = json.loads((folder / "files.json").read_text())
    known["layers"]["files"]["../mine.txt"] = "0"
    (folder / "files.json").write_text(json.dumps(known))
    write_maps(folder, [])
    assert other.read_text() == "mine"


def test_names_are_safe_and_apart():
    assert map_file("encoder.0.fc1", "i_min") == "encoder.0.fc1-i_min"
    layers = ("a/b", "a_b", "a<b", "../a", "A", "a", "x" * 300, "x" * 301)
    names = {map_file(layer, "i_min").lower() for layer in layers}
    assert len(names) == len(layers)
    assert max(map(len, names)) < 200
    assert not any("/" in name or "<" in name for name in names)


def test_maps_alone_are_a_run(run_folder, tmp_path):
    write_maps(tmp_path, read_run(run_folder).maps[:1])
    run = read_run(tmp_path)
    assert [layer_map.layer for layer_map in run.maps] == [EVIL]
    assert run.settings == {}
    assert repr(run).splitlines()[0] == f"Run in {tmp_path}"
    assert "What the maps were made with" in write_report(tmp_path).read_text()


def test_nothing_is_no_run(tmp_path):
    with pytest.raises(ValueError, match="nothing was given to write into"):
        write_run(tmp_path / "run", [])
    assert not (tmp_path / "run").exists()


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no run; expected a folder that pidnet demo"):
        read_run(tmp_path)


@pytest.mark.parametrize("settings", [{}, {"editor": {"fontSize": 12}}, {"fontSize": 12}])
def test_settings_of_another_program_are_no_run(tmp_path, settings):
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match="broken or of another version"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("broken", ["{", json.dumps([{"measure": "i_min"}])])
def test_a_broken_run_is_one_sentence(tmp_path, broken):
    write_settings(tmp_path, "map", {})
    (tmp_path / "layers.json").write_text(broken)
    with pytest.raises(ValueError, match="a run that is broken or of another version"):
        read_run(tmp_path)


def test_files_of_a_run_that_was_stopped_are_not_read_as_fresh(run_folder, tmp_path):
    maps = read_run(run_folder).maps
    write_settings(tmp_path, "map", {})
    write_maps(tmp_path, maps[:2])
    other = replace(maps[0], samples=maps[0].samples + 1)
    other.save(tmp_path / f"{map_file(other.layer, other.measure)}.npz")
    with pytest.raises(ValueError, match=r"\.npz is damaged, or of another run that was stopped"):
        read_run(tmp_path)
    write_maps(tmp_path, [other, maps[1]])
    assert read_run(tmp_path).maps[0].samples == other.samples


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-9] + b"x" + content[-8:]])
@pytest.mark.parametrize("ending", ["npz", "safetensors", "plan.json"])
def test_a_damaged_file_is_named(run_folder, tmp_path, damage, ending):
    shutil.copytree(run_folder, tmp_path, dirs_exist_ok=True)
    path = sorted(tmp_path.glob(f"*.{ending}"))[0]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=re.escape(path.name)):
        read_run(tmp_path)


def test_a_run_prints_what_it_holds(run_folder):
    run = read_run(run_folder)
    lines = repr(run).splitlines()
    assert lines[0].endswith("by map")
    assert lines[-1] == repr(run.budgets[-1])
    assert len(lines) == 1 + 4 + 2
