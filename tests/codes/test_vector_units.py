"""Vector units: heads and groups of channels, coded jointly."""

import itertools

import pytest
import torch

from pidnet import Activations, layer_maps, merge_units, quantize
from pidnet.codes.quantizers import k_means


def clusters(seed=0):
    """Two vector units of 3 dimensions around 4 corners each, and the corner of each sample."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.randint(0, 4, (400, 2), generator=generator)
    corners = torch.tensor([[0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9.0]])
    return corners[corner] + torch.randn(400, 2, 3, generator=generator), corner


def test_k_means_finds_the_clusters_and_their_centers():
    values, corner = clusters()
    codes = quantize(Activations({"heads": values}, corner[:, 0], {"heads": "none"}), 4)
    for unit in range(2):
        cells = torch.stack([codes.layers["heads"].values[:, unit].long(), corner[:, unit]], 1).unique(dim=0)
        assert len(cells) == 4
    assert codes.edges["heads"].shape == (2, 4, 3)
    assert codes.layer("heads").alphabet == "4 cells of 3 dimensions"
    means = torch.stack([values[corner[:, 0] == k, 0].mean(0) for k in range(4)])
    distances = torch.cdist(codes.edges["heads"][0], means)
    assert float(distances.min(1).values.max()) < 1e-4
    layer_map = layer_maps(codes, "i_min", correction="none")["heads"]
    assert layer_map.unit_information[0] == pytest.approx(2, abs=0.02)


def test_k_means_does_not_depend_on_chance_and_bears_few_points():
    values, _ = clusters()
    assert torch.equal(k_means(values, 3), k_means(values, 3))
    assert k_means(values[:1].expand(5, 2, 3), 4).isfinite().all()


def test_one_dimension_is_cut_like_scalars():
    values = torch.tensor([0.0, 0.1, 5.0, 5.1])[:, None, None]
    codes = quantize(Activations({"a": values}, torch.arange(4), {"a": "none"}), 2)
    assert codes.layers["a"].values[:, 0].tolist() in ([0, 0, 1, 1], [1, 1, 0, 0])


def test_merged_units_are_the_product_of_their_codes():
    grid = torch.tensor(list(itertools.product(range(3), repeat=3)), dtype=torch.float32)
    target = (grid[:, 0] + grid[:, 1]).long() % 3
    codes = quantize(Activations({"fc": grid, "other": grid}, target, {}), 3)
    merged = merge_units(codes, "fc", [[0, 1], [2]])
    assert (merged.levels, list(merged.layers)) == (9, ["fc"])
    assert len(merged.layers["fc"].values[:, 0].unique()) == 9
    layer_map = layer_maps(merged, "i_min", correction="none")["fc"]
    assert layer_map.unit_information == pytest.approx([1.584963, 0], abs=1e-6)
    assert merged.layer("fc").alphabet == "products of up to 2 units of 3 levels"


def test_groups_that_do_not_fit_a_byte_are_refused():
    codes = quantize(Activations({"fc": torch.randn(50, 8)}, torch.arange(50) % 2, {}), 4)
    for layer, groups, match in (
        ("fc", [range(5)], "at most 256 joint levels"),
        ("fc", [[]], "groups of at least one unit"),
        ("fc9", [[0]], "no such layer"),
    ):
        with pytest.raises(ValueError, match=match):
            merge_units(codes, layer, groups)
