import pytest
import torch

import pidnet as pn
from pidnet.activations import Activations
from pidnet.maps._verdict import Verdict


def two_layers(samples=600):
    """A weak and a strong layer of noisy class signals, and one without information."""
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(5, (samples,), generator=generator)
    layers = {"empty": torch.randn(samples, 6, generator=generator)}
    for name, strength in (("weak", 0.5), ("strong", 2.0)):
        signal = torch.randn(5, 6, generator=generator)[target] * strength
        layers[name] = torch.relu(signal + torch.randn(samples, 6, generator=generator))
    return Activations(layers, target, {})


@pytest.fixture(scope="module")
def report():
    return pn.sensitivity(two_layers(), "i_min", levels=(4, 2, 3), shares=(0.5,))


def test_a_row_for_each_layer_and_setting(report):
    settings = [(row["layer"], row["levels"], row["samples"]) for row in report.rows]
    assert settings == [
        (layer, levels, samples)
        for levels, samples in ((4, 600), (2, 600), (3, 600), (4, 300))
        for layer in ("empty", "weak", "strong")
    ]
    first = pn.layer_maps(pn.quantize(two_layers(), 4), "i_min", null="none")["weak"].summary()
    assert report.rows[1]["redundancy"] == first["redundancy"]


def test_fewer_samples_keep_the_edges_of_all(report):
    acts = two_layers()
    extreme = Activations({"l": acts.layers["weak"] ** 3}, acts.target, {})
    rows = pn.sensitivity(extreme, "i_min", levels=(4,), shares=(0.5, 1.0)).rows
    assert rows[0]["redundancy"] == pytest.approx(rows[2]["redundancy"], abs=0.02)
    assert rows[1]["samples"] == 300


def test_a_true_order_is_stable_and_its_reverse_never_holds(report):
    verdict = report.more("redundancy", "strong", "weak")
    assert verdict.stable
    assert str(verdict) == "redundancy of strong > redundancy of weak: holds at 4 of 4 settings, stable"
    assert not any(report.more("redundancy", "weak", "strong").holds)


def test_synergy_from_nothing_is_called_so(report):
    verdict = report.above_floor("synergy", "empty")
    assert not verdict.stable
    assert "not at 4 levels and 600 samples" in str(verdict)
    assert report.above_floor("synergy", "strong").stable


def test_the_sentence_and_the_table(report):
    assert "redundancy of strong > redundancy of weak: holds at 4 of 4 settings, stable" in report.sentence
    assert "synergy of empty > what chance gives: holds at 0 of 4" in report.sentence
    lines = str(report).splitlines()
    assert (
        lines[0]
        == "Sensitivity by i_min, equal_mass, correction mixture: means over pairs (noise floor), bits"
    )
    assert len(lines) == 2 + 12 + 1
    assert lines[-1] == report.sentence


def test_bad_input(report):
    with pytest.raises(ValueError, match="no such layer: 'fc9'; the report has 'empty', 'weak', 'strong'"):
        report.more("redundancy", "fc9", "weak")
    with pytest.raises(
        ValueError, match="no such atom: 'unique1'; the report has redundancy, unique_mean, synergy"
    ):
        report.above_floor("unique1", "weak")
    with pytest.raises(ValueError, match=r"share 2 of the samples; expected more than 0 and at most 1"):
        pn.sensitivity(two_layers(), shares=(2,))
    with pytest.raises(ValueError, match="levels is empty"):
        pn.sensitivity(two_layers(), levels=())


def test_the_table_survives_saving_and_a_broken_one_is_refused(report, tmp_path):
    path = report.save(tmp_path / "table")
    read = pn.Sensitivity.load(path)
    assert str(read) == str(report)
    assert read.rows == report.rows
    for old, reason in (('"redundancy"', "'redundancy' is missing"), ('"levels": 4', "not finite")):
        new = '"levels": NaN' if "levels" in old else '"other"'
        (tmp_path / "broken.json").write_text(path.read_text().replace(old, new, 1))
        with pytest.raises(
            ValueError, match=f"broken.json holds no Sensitivity that can be read: .*{reason}"
        ):
            pn.Sensitivity.load(tmp_path / "broken.json")


def test_it_says_in_words_what_survives_the_levels(report):
    assert report.sentence.endswith(
        "At 2 to 4 levels and all samples holds: synergy of weak > what chance gives; "
        "synergy of strong > what chance gives; redundancy of weak > redundancy of empty; "
        "redundancy of strong > redundancy of weak."
    )


def test_samples_do_not_count_against_levels():
    verdict = Verdict("x", ((4, 600), (2, 600), (4, 300)), (True, True, False))
    assert verdict.survives_levels
    assert not verdict.stable


@pytest.mark.parametrize(
    ("samples", "classes", "levels"),
    [(1000, 10, 4), (200, 10, 2), (10_000, 10, 8), (10_000, 50, 6), (50, 3, 2)],
)
def test_recommended_levels(samples, classes, levels):
    assert pn.maps.recommended_levels(samples, classes) == levels


def test_levels_for_no_samples_are_refused():
    with pytest.raises(ValueError, match="0 samples"):
        pn.maps.recommended_levels(0, 10)
