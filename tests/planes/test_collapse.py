"""Neural collapse: a perfect simplex, the formulas written out in NumPy, streaming, precision, bad input."""

import numpy as np
import pytest
import torch
from torch import nn

import pidnet as pn

EXACT = ("cdnv", "nc1", "nc1_trace", "equinorm", "equiangle", "max_angle", "etf", "nc3", "nc4")


def simplex(classes=5, units=8, samples=12, spread=0.0, seed=0, shift=3.0):
    """Features around the corners of a rotated simplex, labels, and the head that is aligned with it."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.eye(classes, dtype=torch.float64) - 1 / classes
    basis = torch.linalg.qr(torch.randn(units, classes, generator=generator, dtype=torch.float64))[0]
    means = corners @ basis.T
    y = torch.arange(classes).repeat_interleave(samples)
    noise = spread * torch.randn(len(y), units, generator=generator, dtype=torch.float64)
    return means[y] + shift + noise, y, (means, -shift * means.sum(1))


def written_out(h, y, weight):
    """The definitions, one after the other."""
    classes, n = np.unique(y), len(h)
    means = np.stack([h[y == c].mean(0) for c in classes])
    v = np.array([((h[y == c] - m) ** 2).sum(1).mean() for c, m in zip(classes, means, strict=True)])
    sizes = np.array([(y == c).sum() for c in classes])
    plain, unbiased = [], []
    for a in range(len(classes)):
        for b in range(a):
            d = ((means[a] - means[b]) ** 2).sum()
            plain.append((v[a] + v[b]) / (2 * d))
            va, vb = (v[k] * sizes[k] / (sizes[k] - 1) for k in (a, b))
            unbiased.append((va + vb) / (2 * (d - va / sizes[a] - vb / sizes[b])))
    about = means - means.mean(0)
    rest = h - means[np.searchsorted(classes, y)]
    sw, sb = rest.T @ rest / n, about.T @ about / len(classes)
    norms = np.linalg.norm(about, axis=1)
    cos = (about @ about.T / np.outer(norms, norms))[np.tril_indices(len(classes), -1)]
    scaled = [m / np.linalg.norm(m) for m in (weight, about)]
    return {
        "cdnv": np.mean(plain),
        "cdnv_unbiased": np.mean(unbiased),
        "nc1": np.trace(sw @ np.linalg.pinv(sb, rcond=1e-10)) / len(classes),
        "nc1_trace": np.trace(sw) / np.trace(sb),
        "equinorm": norms.std(ddof=1) / norms.mean(),
        "equiangle": cos.std(),
        "max_angle": np.abs(cos + 1 / (len(classes) - 1)).mean(),
        "nc3": np.linalg.norm(scaled[0] - scaled[1]),
    }


def test_a_perfect_simplex_is_full_collapse():
    h, y, head = simplex()
    found = pn.neural_collapse(h, y, head)
    assert all(abs(getattr(found, name)) < 1e-6 for name in EXACT)
    assert (found.rank, found.classes, found.accuracy, found.nearest_center) == (4, 5, 1.0, 1.0)
    assert not found.notes


def test_the_formulas_written_out():
    h, y, _ = simplex(spread=0.4, seed=1)
    keep = torch.arange(len(y)) % 5 > y.clamp(max=1)  # sizes differ
    h, y = h[keep], y[keep]
    weight = torch.randn(5, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = pn.neural_collapse(h, y, weight)
    for name, value in written_out(h.numpy(), y.numpy(), weight.numpy()).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-9), name


def test_the_head_against_the_nearest_mean():
    h, y, (weight, bias) = simplex(spread=0.3, seed=3)
    linear = nn.Linear(8, 5).double()
    linear.load_state_dict({"weight": weight, "bias": bias + torch.tensor([0.3, 0, 0, 0, -0.3])})
    found = pn.neural_collapse(h, y, linear)
    means = torch.stack([h[y == c].mean(0) for c in range(5)])
    answer, nearest = linear(h).argmax(1), torch.cdist(h, means).argmin(1)
    assert found.accuracy == pytest.approx(float((answer == y).double().mean()))
    assert found.nc4 == pytest.approx(float((answer != nearest).double().mean()))
    assert found.nearest_center == pytest.approx(float((nearest == y).double().mean()))
    called = pn.neural_collapse(h, y, lambda t: linear(t) + 1.0)
    assert np.isnan(called.nc3)
    assert (called.nc4, called.accuracy) == (found.nc4, found.accuracy)


def test_streaming_gives_the_same_numbers():
    h, y, head = simplex(samples=40, spread=0.3, seed=4)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    batches = [(h[part], y[part]) for part in order.split(17)]
    whole, streamed = pn.neural_collapse(h, y, head), pn.neural_collapse(batches, head=head)
    for name, value in whole.to_pandas().iloc[0].items():
        assert getattr(streamed, name) == pytest.approx(value, rel=1e-10, abs=1e-12), name
    np.testing.assert_allclose(streamed.pair_cdnv, whole.pair_cdnv, rtol=1e-10)


@pytest.mark.parametrize("spread", [1e-3, 0.1, 1.0])
def test_nc1_is_the_same_in_float32_and_float64(spread):
    """A pseudo-inverse of the 64 x 64 matrix takes rounding for directions; the span of the means does not."""
    h, y, _ = simplex(units=64, samples=30, spread=spread, seed=5)
    half, full = pn.neural_collapse(h.float(), y), pn.neural_collapse(h.float().double(), y)
    exact = pn.neural_collapse(h, y)
    assert half.nc1 == pytest.approx(exact.nc1, rel=1e-3)
    assert full.nc1 == pytest.approx(exact.nc1, rel=1e-3)


def test_a_hidden_direction_of_rounding_does_not_count():
    """Class means in a plane, in float32: rank 2, not 4."""
    y = torch.arange(5).repeat_interleave(50)
    angle = 2 * torch.pi * y / 5
    generator = torch.Generator().manual_seed(0)
    basis = torch.linalg.qr(torch.randn(30, 2, generator=generator))[0]
    noise = 0.1 * torch.randn(250, 2, generator=generator)
    found = pn.neural_collapse((torch.stack([angle.cos(), angle.sin()], 1) + noise) @ basis.T, y)
    assert found.rank == 2
    assert "the class means span 2 of 4 dimensions: no simplex is possible" in found.notes


def test_few_samples_make_plain_cdnv_too_small():
    wide = [simplex(samples=8, units=40, spread=0.2, seed=seed, shift=0.0)[:2] for seed in range(40)]
    true = 40 * 0.2**2 / 2  # means are sqrt(2) apart
    plain = np.mean([pn.neural_collapse(h, y).cdnv for h, y in wide])
    unbiased = np.mean([pn.neural_collapse(h, y).cdnv_unbiased for h, y in wide])
    assert plain < 0.8 * true
    assert unbiased == pytest.approx(true, rel=0.06)


def test_means_that_chance_puts_apart_are_not_apart():
    h = torch.randn(20, 50, generator=torch.Generator().manual_seed(1))
    found = pn.neural_collapse(h, torch.arange(20) % 2)
    assert found.cdnv < np.inf
    assert found.cdnv_unbiased > 5 * found.cdnv


def test_what_to_hear_before_using_the_numbers():
    h, y, head = simplex(spread=0.6, seed=6)
    keep = (y != 2) & ((y != 4) | (torch.arange(len(y)) == len(y) - 1))
    found = pn.neural_collapse(h[keep], y[keep], head)
    assert found.classes == 4
    assert found.labels.tolist() == [0, 1, 3, 4]
    text = repr(found)
    assert "no sample of class 2: left out" in text
    assert "class 4 has one sample" in text
    assert "collapse is about networks that fit" in text
    assert "no head" in repr(pn.neural_collapse(h, y))
    assert len(text.splitlines()) <= 12
    assert max(map(len, text.splitlines())) <= 100


def test_activations_of_a_network_and_the_picture(mlp, calibration):
    acts = pn.capture(mlp, calibration, ["fc2"])
    found = pn.neural_collapse(acts.layers["fc2"].relu(), acts.target, mlp.head)
    assert found.accuracy == pytest.approx(pn.training.accuracy(mlp, *calibration))
    figure = found.plot()
    assert figure.axes[0].get_xlabel() == "class"
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shown[0, 1], found.cosines[0, 1] + 1 / 9)


BAD = [
    (torch.rand(6, 2, 2), torch.arange(6) % 2, None, r"shape \(6, 2, 2\); expected \(sample, unit\)"),
    (torch.rand(6, 2), torch.arange(5) % 2, None, r"6 rows of features and labels of shape \(5,\)"),
    (torch.rand(6, 2), torch.rand(6), None, "class numbers"),
    (torch.rand(6, 2), -torch.arange(6), None, "class numbers"),
    (torch.tensor([[0.0, 1], [torch.nan, 1]]), torch.arange(2), None, "sample 1 are not finite"),
    (torch.rand(6, 2), torch.zeros(6, dtype=torch.int64), None, "of 1 class"),
    (torch.rand(2, 2), torch.arange(2), None, "no class has two samples"),
    (torch.ones(6, 2), torch.arange(6) % 2, None, "class means are all equal"),
    (torch.rand(6, 2), None, None, "y is missing"),
    (((torch.rand(2, 2), torch.arange(2)) for _ in range(2)), None, None, "a generator once"),
    (torch.rand(6, 2), torch.arange(6) % 2, torch.rand(2, 3), r"expected \(class, 2\)"),
    (torch.rand(6, 2), torch.arange(6) % 3, torch.rand(2, 2), "2 outputs, but a label is 2"),
    ([(torch.rand(4, 2), torch.arange(4) % 2), (torch.rand(4, 3), torch.arange(4) % 2)], None, None, "units"),
]


@pytest.mark.parametrize(("h", "y", "head", "sentence"), BAD, ids=[case[-1] for case in BAD])
def test_bad_input_is_refused_in_a_sentence(h, y, head, sentence):
    with pytest.raises(ValueError, match=sentence):
        pn.neural_collapse(h, y, head)


def test_batches_that_change_between_readings_are_refused():
    class Fresh:
        def __init__(self):
            self.readings = 0

        def __iter__(self):
            self.readings += 1
            yield torch.eye(4), torch.arange(4) % (1 + self.readings)

    with pytest.raises(ValueError, match="not the same when they were read again"):
        pn.neural_collapse(Fresh())


def test_a_collapse_comes_back_from_its_file(tmp_path):
    h, y, _ = simplex(spread=0.1)
    collapse = pn.neural_collapse(h, y)
    again = pn.planes.Collapse.load(collapse.save(tmp_path / "collapse.json"))
    assert repr(again) == repr(collapse)
    assert np.isnan(again.nc3)
    np.testing.assert_array_equal(again.pair_cdnv, collapse.pair_cdnv)
    np.testing.assert_array_equal(again.labels, collapse.labels)
    path = tmp_path / "collapse.json"
    path.write_text(path.read_text().replace('"classes": 5', '"classes": 4'))
    with pytest.raises(ValueError, match="holds no Collapse that can be read: 5 labels of 4 classes"):
        pn.planes.Collapse.load(path)


def test_a_network_is_no_features():
    with pytest.raises(TypeError, match="h is a network; pass features"):
        pn.neural_collapse(nn.Linear(2, 2), torch.arange(2))
