"""Public functions with every argument replaced by junk: the right answer or one sentence of ours, raised by us."""

import inspect
import linecache
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.arguments import check_arguments, fits, words

OURS = str(Path(pn.__file__).parent)
JUNK = (None, float("nan"), -1, 10**12, "junk", [None], {"a": 1}, object(), np.full((3, 3), np.nan), b"x")
JUNK += (
    torch.tensor(1.0),
    np.ones((2, 2, 2), complex),
    True,
    [[0, 0], [0, "a"]],
    torch.zeros(60, 6, device="meta"),
)


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Name -> a valid call: function, positional and keyword arguments."""
    tmp = tmp_path_factory.mktemp("calls")
    torch.manual_seed(0)
    data = torch.randn(60, 6), torch.arange(60) % 3
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)).eval()
    acts = pn.capture(net, data)
    codes = pn.quantize(acts, 2)
    maps = pn.layer_maps(codes, "i_mmi", correction="none", null="labels")
    plan = pn.plan_pruning(net, data, keep=0.5, criterion="l2")
    small = pn.apply_plan(net, plan, data, "none")
    graph = pn.redundancy_graph(maps["0"])
    plain = {"correction": "none", "null": "none", "intervals": False, "seed": 0}
    p = np.full((2, 2, 3), 1 / 12)
    noisy = pn.zoo.mlp(6, (5,), 3, variant="stochastic")
    code = torch.distributions.Normal(data[0], torch.ones_like(data[0]))
    run = pn.runs.read_run(pn.runs.write_run(tmp / "run", maps))
    return {
        "capture": (pn.capture, [net, data], {"layers": ["0"], "reduce": {}, "draws": 1}),
        "quantize": (pn.quantize, [acts], {"levels": 2, "how": "equal_mass"}),
        "merge_units": (pn.merge_units, [codes, "0", [[0, 1]]], {}),
        "with_target": (pn.with_target, [codes, data[1]], {}),
        "layer_maps": (pn.layer_maps, [codes], {"measure": "i_mmi", **plain}),
        "Gaussian": (pn.layer_maps, [acts], {"measure": "gaussian_i_mmi", "target": None, "copula": False}),
        "decompose": (pn.decompose, [p, "i_min"], {}),
        "decompose_gaussian": (pn.decompose_gaussian, [np.eye(3), (1, 1, 1)], {}),
        "redundancy_graph": (pn.redundancy_graph, [maps["0"]], {"alpha": 0.5}),
        "replacement_graph": (pn.replacement_graph, [maps["0"]], {"tolerance": 0.1}),
        "communities": (pn.communities, [graph], {"seed": 0}),
        "save_graph": (pn.save_graph, [graph, tmp / "graph.graphml"], {}),
        "group_invariants": (pn.group_invariants, [codes, "0", [[0, 1, 2]]], {}),
        "random_groups": (pn.random_groups, [codes, "0", 2, 3], {"seed": 0}),
        "plan_pruning": (pn.plan_pruning, [net, data, 0.5, "l2"], {"layers": ["0"], "seed": 0}),
        "apply_plan": (pn.apply_plan, [net, plan, data, "none"], {}),
        "save_pruned": (pn.save_pruned, [small, plan, data[0], tmp / "small"], {}),
        "load_pruned": (pn.load_pruned, [net, pn.save_pruned(small, plan, data[0], tmp / "there")], {}),
        "compare_energy": (pn.compare_energy, [net, small, data[0][:1]], {}),
        "pair_tables": (pn.pair_tables, [codes, "0"], {}),
        "pair_covariances": (pn.pair_covariances, [acts, "0"], {}),
        "matrix": (maps["0"].matrix, ["redundancy"], {}),
        "significant": (maps["0"].significant, ["redundancy"], {"alpha": 0.1}),
        "train": (pn.training.train, [nn.Linear(6, 3), *data], {"epochs": 1, "rate": 0.01}),
        "accuracy": (pn.training.accuracy, [net, *data], {}),
        "mlp": (pn.zoo.mlp, [6, (5,), 3], {}),
        "explain_unit": (pn.report.explain_unit, [run, "0", 0], {}),
        "read_run": (pn.runs.read_run, [tmp / "run"], {}),
        "Activations": (pn.Activations, [{"a": data[0]}, data[1], {"a": "none"}], {}),
        "dominates": (pn.dominates, [pn.decompose(p)], {"tolerance": 0.1}),
        "depth_claims": (pn.maps.depth_claims, [maps], {"atoms": ["synergy"]}),
        "code_information": (pn.code_information, [(data[0] > 0).long(), data[1]], {"seed": 0}),
        "mutual_information": (pn.mutual_information, [data[0][:, :2], data[0][:, 2:]], {"seed": 0}),
        "label_information": (pn.label_information, list(data), {"held_out": data, "seed": 0}),
        "channel_of": (pn.channel_of, [noisy, "fc1", data[0]], {"seed": 0}),
        "fit_backward": (pn.fit_backward, [code, data[1]], {}),
        "fine_tune": (pn.training.fine_tune, [net, data], {"epochs": 1, "rate": 0.01, "seed": 0}),
        "GaussianNoise": (pn.layers.GaussianNoise, [0.1], {}),
        "FakeQuantize": (pn.layers.FakeQuantize, [8], {}),
        "Attention": (pn.layers.Attention(6, 2), [torch.zeros(3, 4, 6)], {}),
    }


FUNCTIONS = [
    "capture",
    "quantize",
    "merge_units",
    "with_target",
    "layer_maps",
    "Gaussian",
    "decompose",
    "decompose_gaussian",
    "redundancy_graph",
    "replacement_graph",
    "communities",
    "save_graph",
    "group_invariants",
    "random_groups",
    "plan_pruning",
    "apply_plan",
    "save_pruned",
    "load_pruned",
    "compare_energy",
    "pair_tables",
    "pair_covariances",
    "matrix",
    "significant",
    "train",
    "accuracy",
    "mlp",
    "explain_unit",
    "read_run",
    "Activations",
    "dominates",
    "depth_claims",
    "code_information",
    "mutual_information",
    "label_information",
    "channel_of",
    "fit_backward",
    "fine_tune",
    "GaussianNoise",
    "FakeQuantize",
    "Attention",
]
TOO_MUCH = {
    ("capture", "draws"),
    ("random_groups", 3),
    ("train", "epochs"),
    ("fine_tune", "epochs"),
    ("mlp", 0),
    ("mlp", 2),
    ("mlp", 1),
}  # 10**12 of them


@pytest.mark.parametrize("name", FUNCTIONS)
def test_junk_is_one_sentence_of_ours(calls, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function, positional, keywords = calls[name]
    function(*positional, **keywords)
    for place in (*range(len(positional)), *keywords):
        for junk in JUNK:
            if (junk is JUNK[3] and (name, place) in TOO_MUCH) or (junk is None and place == "correction"):
                continue  # the default correction is right, and slow
            changed = [junk if place == index else value for index, value in enumerate(positional)]
            options = keywords | ({place: junk} if place in keywords else {})
            error = None
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    function(*changed, **options)
                except Exception as raised:
                    error = raised
            if error is not None:
                said_by_us(error, f"{name}, argument {place}: {type(junk).__name__}")


def said_by_us(error, what):
    innermost = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(innermost.filename, innermost.lineno).strip()
    assert innermost.filename.startswith(OURS), f"{what}: raised from below: {error!r}"
    assert "raise" in line, f"{what}: raised from below at {line!r}: {error!r}"
    assert len(str(error).splitlines()) == 1, f"{what}: {error}"


@pytest.mark.parametrize(
    ("value", "hint", "right"),
    [
        (np.int64(3), int, True),
        (True, int, False),
        (3, float, True),
        (float("nan"), float, False),
        (1, bool, False),
        ("a", Literal["a", "b"], True),
        (3, Literal["a", "b"], False),
        (["a"], Sequence[str], True),
        (np.array([1, 2]), Sequence[int], True),
        ([1, "a"], Sequence[int], False),
        ({"a": 1}, Mapping[str, int], True),
        ({"a": "b"}, Mapping[str, int], False),
        ([1, 2], tuple[int, ...], True),
        ((1, 2), tuple[int, int, int], False),
        (torch.zeros(2), np.ndarray, True),
        (["a"], np.ndarray, False),
        (torch.zeros(2, device="meta"), torch.Tensor, False),
        (len, Callable[[int], int], True),
        (None, str | None, True),
        (3, str | None, False),
        (nn.Linear(1, 1), nn.Module, True),
    ],
)
def test_a_value_fits_an_annotation(value, hint, right):
    assert fits(value, hint) == right


def test_the_sentence_has_the_value_and_what_was_expected():
    def example(codes: pn.Codes, share: float = 0.5, names: Sequence[str] | None = None, seed: int = 0):
        check_arguments(example, locals())

    with pytest.raises(TypeError, match=r"^codes=3; expected a Codes \(quantize makes them\)$"):
        example(3)
    assert words(Sequence[str] | None) == "a list of text or None"
    assert words(Literal["a", "b"]) == "one of 'a', 'b'"
    assert set(inspect.signature(example).parameters) == {"codes", "share", "names", "seed"}


def test_a_correction_or_null_of_ones_own_is_looked_at():
    codes = pn.quantize(pn.Activations({"a": torch.randn(60, 3)}, torch.arange(60) % 2, {"a": "none"}), 2)
    with pytest.raises((TypeError, ValueError), match=r"the correction \S+ returned a int; expected Atoms"):
        pn.layer_maps(codes, "i_mmi", correction=lambda *_: 3)
    with pytest.raises((TypeError, ValueError), match=r"the null \S+ returned a int; expected atom"):
        pn.layer_maps(codes, "i_mmi", correction="none", null=lambda *_: 3)
