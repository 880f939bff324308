import json
import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import numpy as np
import pytest

from pidnet.maps import LayerMap
from pidnet.measures.atoms import Atoms
from pidnet.printing import number
from pidnet.report import _sections, page as report_page, write_report
from pidnet.report._sections import codes_by_class
from pidnet.report._settings import made_with
from pidnet.runs import Sections, read_run, write_maps, write_pictures, write_sections, write_settings
from tests.small_run import EVIL


class Reader(HTMLParser):
    """The tags of a page, what stands in its scripts, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.texts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, text):
        (self.scripts if self.tags and self.tags[-1][0] == "script" else self.texts).append(text)


@pytest.fixture(scope="module")
def text(run_folder, tmp_path_factory):
    return write_report(run_folder, tmp_path_factory.mktemp("page") / "report.html").read_text()


def test_names_are_shown_not_run(text):
    assert text.count("<script") - text.count("createElement") <= text.count("</script>")
    assert "<script>hacked" not in text
    assert "<img" not in re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert "&lt;img src=x onerror=hacked=1&gt;" in text
    assert "&lt;/script&gt;&lt;script&gt;hacked=1&lt;/script&gt;&lt;b&gt;&amp;amp;" in text
    stored = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert stored["maps"][0]["layer"] == EVIL


def test_nothing_is_fetched(text):
    tags = Reader(text).tags
    assert [t for t, attributes in tags if attributes.get("src", "data:").partition(":")[0] != "data"] == []
    assert [a["href"] for t, a in tags if "href" in a and not a["href"].startswith(("#", "data:"))] == []
    policy = next(a["content"] for t, a in tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_every_link_and_field_has_its_target(text):
    tags = Reader(text).tags
    ids = {attributes.get("id") for _, attributes in tags}
    assert {a["href"][1:] for t, a in tags if a.get("href", "").startswith("#")} <= ids
    assert {"profile", "heat", "network", "curve", "layer-energy", "card", "pair"} <= ids


def test_the_page_holds_plans_energy_and_settings(text, run_folder):
    run = read_run(run_folder)
    removal = run.budgets[0].plan.removed["fc2"][0]
    assert f'<tr><th scope="row">{removal.unit}</th><td class="text">costs {removal.cost:.4g} on' in text
    assert f"<td>{run.budgets[1].report.macs[1]:,}</td>" in text
    assert "modelled energy kept, SRAM" in text
    assert '<td class="text">0</td>' in text


def test_without_the_extra_the_page_says_so_and_keeps_its_tables(run_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(report_page, "find_spec", lambda name: None)
    text = write_report(run_folder, tmp_path / "report.html").read_text()
    assert text.count("pip install &#39;pidnet[report]&#39;") == 1
    assert "<script" not in text
    assert "units kept" in text
    assert len(text) < 100_000


def test_pictures_stand_in_where_plotly_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(report_page, "find_spec", lambda name: None)
    write_settings(tmp_path, "map", {})
    write_pictures(tmp_path, {"map.png": lambda path: path.write_bytes(b"picture")}, "map")
    (tmp_path / "of an earlier run.png").write_bytes(b"stale")
    assert 'src="data:image/png;base64,cGljdHVyZQ=="' in (text := write_report(tmp_path).read_text())
    assert text.count("data:image/png") == 1


def test_a_map_too_large_for_a_page_is_named(run_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(report_page, "MOST_PAIRS", 25)
    text = write_report(run_folder, tmp_path / "report.html").read_text()
    assert "fc2 by i_mmi has 10 pairs, too many for a square each" in text
    assert 'id="wide-card"' in text
    assert len(json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])["maps"]) == 1


def test_a_run_without_maps_and_one_without_budgets(run_folder, tmp_path):
    for name in ("only-settings", "only-maps"):
        write_settings(tmp_path / name, "map", {"seed": 0})
    write_maps(tmp_path / "only-maps", read_run(run_folder).maps)
    assert 'id="heat"' not in write_report(tmp_path / "only-settings").read_text()
    text = write_report(tmp_path / "only-maps").read_text()
    assert 'id="heat"' in text
    assert 'id="curve"' not in text


def test_a_wide_layer_keeps_the_page_in_bounds(tmp_path):
    units = 300
    rng = np.random.default_rng(0)
    pairs = np.stack(np.triu_indices(units, 1), 1)
    atoms = Atoms(*rng.random((4, len(pairs))), gap=np.zeros(len(pairs)))
    information = rng.random(units)
    layer_map = LayerMap("wide", np.arange(units), pairs, atoms, "i_min", 1000, information)
    write_settings(tmp_path, "map", {})
    write_maps(tmp_path, [layer_map])
    text = write_report(tmp_path).read_text()
    stored = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1]
    assert len(stored) / len(pairs) < 17


def test_plane_collapse_and_training_stand_on_the_page(text, run_folder):
    run = read_run(run_folder)
    for section in ("information-plane", "collapse", "training"):
        assert f'<section id="{section}">' in text
        assert f'href="#{section}"' in text
    bracket = run.sections.plane.brackets()[0]["I(X;T)"]
    assert f"<td>{bracket}</td>" in text
    assert f"The plane is of another network than the rest of this page: a noisy {escape(EVIL)}." in text
    assert str(run.sections.plane.findings[0]).replace("'", "&#39;") in text
    assert f"<td>{number(run.sections.collapse[EVIL].cdnv)}</td>" in text


def test_every_number_has_its_settings(text, run_folder):
    run = read_run(run_folder)
    rows = made_with(run)
    (first, second), (plans,) = rows["What the maps were made with"], rows["What the plans were made with"]
    assert first["layers"] == f"{EVIL}, fc2"
    assert (first["measure"], second["measure"]) == ("i_min", "i_mmi")
    assert (first["levels"], first["correction"], first["interval"]) == ("3", "mixture", "delta method")
    assert (plans["budgets"], plans["criterion"]) == ("0.5, 0.25", "l1")
    for caption in rows:
        assert f"<caption>{caption}</caption>" in text
    assert "Made by pidnet map." in text
    assert made_with(replace(run, maps=[], budgets=[], sections=Sections())) == {}


def test_what_collapse_has_no_number_for_has_no_column(run_folder):
    (row,) = _sections.collapse_rows(read_run(run_folder))
    assert "nc1" in row
    assert "nc3" not in row
    collapse = read_run(run_folder).sections.collapse[EVIL]
    twice = replace(read_run(run_folder).sections, collapse={EVIL: collapse, "fc2": collapse})
    notes = _sections.collapse_notes(replace(read_run(run_folder), sections=twice))
    assert list(notes) == list(collapse.notes)
    assert all(layers == [EVIL, "fc2"] for layers in notes.values())


def test_a_plane_of_the_network_that_was_mapped_needs_no_word(run_folder, tmp_path):
    plane = replace(read_run(run_folder).sections.plane, settings={})
    write_settings(tmp_path, "map", {"model": "mine.py:net", "weights": "a.safetensors"})
    for weights, said in (
        ("a.safetensors", ""),
        ("b.safetensors", "mine.py:net with the weights b.safetensors"),
    ):
        write_settings(tmp_path, "plane", {"model": "mine.py:net", "weights": weights})
        write_sections(tmp_path, "plane", plane=plane)
        assert _sections.other_network(read_run(tmp_path)) == said


def test_codes_too_fine_or_too_many_are_left_out(run_folder, monkeypatch):
    codes = read_run(run_folder).sections.codes
    assert list(codes_by_class(codes, ["fc2", "fc9"])["layers"]) == ["fc2"]
    assert codes_by_class(None, ["fc2"]) is None
    monkeypatch.setattr(_sections, "MOST_LEVELS", 2)
    assert codes_by_class(codes, ["fc2"]) is None
