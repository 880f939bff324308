"""Situations that users of neighboring tools report, each with its right answer. One test a situation."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

import pidnet as pn
from pidnet import cli
from pidnet.networks.outputs import READINGS

X, Y = torch.randn(100, 8, generator=torch.Generator().manual_seed(0)), torch.arange(100) % 4


def net(*widths, seed=0, activation=nn.ReLU):
    torch.manual_seed(seed)
    layers = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), activation())]
    return nn.Sequential(*layers[:-1]).eval()


# Outputs that are no class scores


def one_logit():
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1)).eval()
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(8))
        model[0].bias.zero_()
        model[2].bias.zero_()
        model[2].weight.copy_(torch.tensor([[8.0, 7, 6, 5, 0.4, 0.3, 0.2, 0.1]]))
    return model


@pytest.mark.parametrize("criterion", ["pid", "obs", "taylor"])
@pytest.mark.parametrize("targets", ["labels", "column", "float labels", "regression"])
def test_a_network_with_one_output_keeps_the_units_that_it_reads(criterion, targets):
    model, x = one_logit(), torch.randn(1000, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        scores = model(x)[:, 0]
    y = {
        "labels": (scores > 13).long(),
        "column": (scores > 13).long()[:, None],
        "float labels": (scores > 13).float(),
        "regression": scores + torch.randn(1000, generator=torch.Generator().manual_seed(2)),
    }[targets]
    plan = pn.plan_pruning(model, (x, y), keep=0.5, criterion=criterion)
    assert plan.kept["0"] == [0, 1, 2, 3]
    assert plan.settings["output"] == ("gaussian" if targets == "regression" else "bernoulli")


def test_capture_predicts_the_sign_of_one_logit():
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(2))
    model = one_logit()
    with torch.no_grad():
        model[2].bias.fill_(-13)
        signs = (model(x)[:, 0] > 0).long()
    assert torch.equal(pn.capture(model, (x, signs)).predicted, signs)


class Dense(nn.Module):
    """Class scores at every place of an image."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 3, 1)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


class Tokens(nn.Module):
    """Class scores of every token."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.a, self.b = nn.Embedding(7, 5), nn.Linear(5, 6), nn.Linear(6, 7)

    def forward(self, x):
        return self.b(torch.relu(self.a(self.embed(x))))


@pytest.mark.parametrize(
    ("model", "data", "reading"),
    [
        (net(8, 6, 3), (X, torch.randn(100, 3, generator=torch.Generator().manual_seed(0))), "gaussian"),
        (net(8, 6, 3), (X, (X[:, :3] > 0).long()), "bernoulli"),
        (Dense().eval(), (torch.randn(40, 1, 5, 5), torch.zeros(40, 5, 5).long()), "classes"),
        (Tokens().eval(), (torch.arange(200).reshape(40, 5) % 7, torch.zeros(40, 5).long()), "tokens"),
    ],
    ids=["regression", "several labels", "dense", "tokens"],
)
def test_outputs_of_any_kind_cost_bits(model, data, reading):
    plan = pn.plan_pruning(model, data, keep=0.5)
    (layer,) = plan.kept
    assert plan.settings["output"] == reading
    assert sum(unit.cost for unit in plan.removed[layer]) > 0
    smaller = pn.apply_plan(model, plan, data)
    assert smaller(data[0]).shape == model(data[0]).shape


def test_the_reading_can_be_given():
    plan = pn.plan_pruning(net(8, 6, 3), (X, Y % 3), keep=0.5, output="gaussian")
    assert plan.settings["output"] == "gaussian"
    with pytest.raises(ValueError, match=f"output='logits'; expected one of {READINGS[0]}"):
        pn.plan_pruning(net(8, 6, 3), (X, Y % 3), keep=0.5, output="logits")


# Axes that no coincidence of lengths may change


class StepsFirst(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.rnn, self.fc, self.out = nn.LSTM(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.out(torch.relu(self.fc(self.rnn(x.transpose(0, 1))[0])).mean(0))


@pytest.mark.parametrize("steps", [19, 20, 21])
def test_a_batch_of_as_many_samples_as_steps_is_read_alike(steps):
    x = torch.randn(20, steps, 6, generator=torch.Generator().manual_seed(0))
    model = StepsFirst().eval()
    acts = pn.capture(
        model,
        (x, torch.arange(20) % 3),
        layers=["fc"],
        reduce={"tokens": "mean", "steps": "mean", "positions": "mean"},
    )
    with torch.no_grad():
        truth = torch.relu(model.fc(model.rnn(x.transpose(0, 1))[0])).mean(0)
    torch.testing.assert_close(acts.layers["fc"], truth)


@pytest.mark.parametrize("steps", [9, 10, 11])
def test_as_many_marked_copies_as_steps_leave_no_layer_out(steps):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.rnn, self.out = nn.LSTM(6, 32), nn.Linear(32, 3)

        def forward(self, x):
            return self.out(torch.relu(self.rnn(x.transpose(0, 1))[0]).mean(0))

    x = torch.randn(40, steps, 6, generator=torch.Generator().manual_seed(0))
    plan = pn.plan_pruning(Net().eval(), (x, torch.arange(40) % 3), keep=0.5, criterion="l2")
    assert len(plan.kept["rnn.l0"]) == 16


class ChannelsLast(nn.Module):
    """A block on (sample, height, width, channel), as in ConvNeXt and Swin."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.norm, self.fc, self.head = (
            nn.Conv2d(1, 16, 1),
            nn.LayerNorm(16),
            nn.Linear(16, 16),
            nn.Linear(16, 4),
        )

    def forward(self, x):
        x = self.stem(x).permute(0, 2, 3, 1)
        x = x + torch.relu(self.fc(self.norm(x)))
        return self.head(x.mean((1, 2)))


def test_channels_last_blocks_have_their_channels_as_units():
    x = torch.randn(50, 1, 7, 7, generator=torch.Generator().manual_seed(0))
    acts = pn.capture(ChannelsLast().eval(), (x, torch.arange(50) % 4), layers=["norm", "fc"])
    assert acts.layers["norm"].shape == acts.layers["fc"].shape == (50, 16)


# Ties at the upper edge


@pytest.mark.parametrize("how", ["equal_mass", "zero_level"])
def test_a_unit_saturated_at_its_top_is_the_mirror_image_of_one_at_zero(how):
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(2, (1000,), generator=generator)
    relu = (torch.randn(1000, 1, generator=generator) + 2 * y[:, None] - 2).clamp(min=0)
    top = 6 - relu.clamp(max=6)
    informations = []
    for values in (torch.cat([relu, relu * 2], 1), torch.cat([top, top * 2], 1)):
        acts = pn.Activations({"a": values}, y, {"a": "none"})
        layer_map = pn.layer_maps(pn.quantize(acts, how=how), "i_mmi", correction="none", null="none")["a"]
        informations.append(layer_map.unit_information[0])
    assert informations[0] > 0.1
    assert informations[1] == pytest.approx(informations[0], abs=1e-9)


# One odd layer


def test_a_dead_layer_is_left_out_and_the_rest_is_planned():
    model = net(8, 8, 6, 4)
    with torch.no_grad():
        model[2].bias.fill_(-50)
    plan = pn.plan_pruning(model, (X, Y), keep=0.5)
    smaller = pn.apply_plan(model, plan, (X, Y))
    assert smaller(X).shape == (100, 4)
    assert smaller[0].out_features < 8


def test_a_layer_of_one_unit_keeps_it():
    assert pn.plan_pruning(net(8, 6, 1, 4), (X, Y), keep=0.5).kept["2"] == [0]


def test_a_folded_batch_is_left_out_by_name():
    class Folded(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.a, self.fold, self.b = nn.Linear(8, 8), nn.Linear(4, 4), nn.Linear(8, 4)

        def forward(self, x):
            x = torch.relu(self.a(x))
            folded = torch.relu(self.fold(x.reshape(-1, 2, 4)[:, 0]))
            return self.b(torch.cat([folded, x[:, 4:]], 1)) if len(folded) == len(x) else self.b(x)

    class Video(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.frame, self.b = nn.Linear(2, 6), nn.Linear(24, 4)

        def forward(self, x):
            frames = torch.relu(self.frame(x.reshape(-1, 2)))
            return self.b(frames.reshape(-1, 24))

    acts = pn.capture(Video().eval(), (X, Y))
    assert "b" in acts.layers
    assert "frame" in acts.skipped or acts.layers["frame"].shape[1] == 6
    assert pn.capture(Video().eval(), (X, Y), layers=["b"]).layers.keys() == {"b"}


def test_a_dead_layer_costs_only_its_own_map():
    model = net(8, 8, 6, 4)
    with torch.no_grad():
        model[2].bias.fill_(-50)
    maps = pn.layer_maps(pn.quantize(pn.capture(model, (X, Y))), "i_mmi")
    assert "0" in maps
    assert "2" in maps.skipped


def test_a_network_with_one_output_unit_maps():
    maps = pn.layer_maps(pn.quantize(pn.capture(net(8, 6, 1), (X, Y))), "i_mmi")
    assert "0" in maps
    assert "2" in maps.skipped


# Left out without a word


class Prelu(nn.Module):
    def __init__(self, act):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.c, self.act = nn.Linear(8, 8), nn.Linear(8, 6), nn.Linear(6, 4), act

    def forward(self, x):
        return self.c(torch.relu(self.b(self.act(self.a(x)))))


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (nn.PReLU(), "PReLU"),
        (torch.sign, "mark"),
        (lambda x: torch.where(x > 0, x, torch.zeros_like(x)), "mark"),
        (lambda x: x.reshape(-1, 2, 4).softmax(-1).reshape(-1, 8), "mix"),
    ],
    ids=["prelu", "sign", "where", "softmax"],
)
def test_a_plan_names_what_it_left_out_and_why(act, reason):
    plan = pn.plan_pruning(Prelu(act).eval(), (X, Y), keep=0.5)
    if "a" not in plan.kept:
        assert reason in plan.left_out["a"]
        assert f"a is left out: {plan.left_out['a']}" in plan.explain()
        assert "no layer reads" not in plan.left_out["a"]


# Symptoms told as causes


def test_a_fixed_batch_size_inside_the_model_is_named():
    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b = nn.Linear(16, 8), nn.Linear(8, 4)

        def forward(self, x):
            return self.b(torch.relu(self.a(x)).view(100, 8))

    with pytest.raises(ValueError, match="batch"):
        pn.plan_pruning(Fixed().eval(), (torch.randn(100, 16), Y), keep=0.5)


def test_a_network_that_is_random_in_eval_mode_is_named():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 4)

        def forward(self, x):
            x = torch.relu(self.a(x))
            return self.b(x + torch.randn_like(x))

    with pytest.raises(ValueError, match="random"):
        pn.plan_pruning(Noisy().eval(), (X, Y), keep=0.5)


def test_sequences_of_one_step_are_planned():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.rnn, self.out = nn.LSTM(6, 32, batch_first=True), nn.Linear(32, 4)

        def forward(self, x):
            return self.out(self.rnn(x)[0][:, -1])

    x = torch.randn(100, 1, 6, generator=torch.Generator().manual_seed(0))
    assert len(pn.plan_pruning(Net().eval(), (x, Y), keep=0.5).kept["rnn.l0"]) == 16


# Raw errors from below


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_model_is_unwrapped():
    model = net(8, 6, 4)
    plan = pn.plan_pruning(torch.compile(model), (X, Y), keep=0.5)
    assert plan.kept == pn.plan_pruning(model, (X, Y), keep=0.5).kept
    assert pn.apply_plan(torch.compile(model), plan, (X, Y))[0].out_features == 3


@pytest.mark.parametrize("kind", ["scripted", "traced", "lazy", "masked", "weight_norm"])
def test_models_that_cannot_be_cut_are_refused_in_one_sentence(kind):
    model = net(8, 6, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        match kind:
            case "scripted":
                model = torch.jit.script(model)
            case "traced":
                model = torch.jit.trace(model, X[:2])
            case "lazy":
                model = nn.Sequential(nn.LazyLinear(6), nn.ReLU(), nn.Linear(6, 4))
            case "masked":
                prune.l1_unstructured(model[0], "weight", amount=0.5)
                model(X)
            case "weight_norm":
                torch.nn.utils.weight_norm(model[0])
                model(X)
    remedy = {
        "scripted": "script",
        "traced": "script|trace",
        "lazy": "lazy|uninitialized",
        "masked": "prune.remove",
        "weight_norm": "remove_weight_norm",
    }[kind]
    with pytest.raises((ValueError, TypeError), match=remedy):
        pn.plan_pruning(model, (X, Y), keep=0.5)


# Memory by the largest value or by the square


@pytest.mark.parametrize("largest", [10**5, 10**9])
def test_classes_are_those_that_occur(largest):
    y = torch.tensor([0, 1, largest])[torch.arange(100) % 3]
    codes = pn.quantize(pn.capture(net(8, 6, 3), (X, y)))
    assert list(codes.classes) == [0, 1, largest]
    assert len(pn.layer_maps(codes, "i_mmi")["0"].pairs) == 15


def test_whole_float_labels_are_taken():
    model = net(8, 6, 4)
    codes = [pn.quantize(pn.capture(model, (X, y))) for y in (Y, Y.float())]
    assert torch.equal(codes[0].target, codes[1].target)
    assert (
        pn.plan_pruning(model, (X, Y.float()), keep=0.5).kept == pn.plan_pruning(model, (X, Y), keep=0.5).kept
    )


def test_criteria_that_need_no_covariance_form_none():
    model = nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64 * 32 * 32, 2)
    ).eval()
    x = torch.randn(70, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    data = x, torch.arange(70) % 2
    for criterion in ("l2", "random"):
        assert len(pn.plan_pruning(model, data, keep=0.5, criterion=criterion).kept["0"]) == 32
    with pytest.raises(ValueError, match="65,536"):
        pn.plan_pruning(model, data, keep=0.5, criterion="obs")


# Files that lie


def test_a_map_that_does_not_fit_itself_is_refused(tmp_path):
    layer_map = pn.layer_maps(pn.quantize(pn.capture(net(8, 6, 4), (X, Y))), "i_mmi")["0"]
    path = layer_map.save(tmp_path / "map.npz")
    good = dict(np.load(path, allow_pickle=False))
    pairs = next(name for name in good if "pairs" in name)
    redundancy = next(name for name in good if name.endswith("redundancy"))
    for name, value, words in (
        (redundancy, good[redundancy][:3], "shape"),
        (pairs, good[pairs] + 10, "unit"),
        (redundancy, good[redundancy] * np.nan, "finite"),
    ):
        np.savez(path, **{**good, name: value})
        with pytest.raises(ValueError, match=words):
            pn.LayerMap.load(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"map\.npz"):
        pn.LayerMap.load(path)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    model = net(8, 6, 4)
    plan = pn.plan_pruning(model, (X, Y), keep=0.5)
    small = pn.apply_plan(model, plan, (X, Y))
    with torch.no_grad():
        small[0].weight[0, 0] = float("nan")
    path = pn.save_pruned(small, plan, X, tmp_path / "small.safetensors")
    with pytest.raises(ValueError, match="finite"):
        pn.load_pruned(model, path)
    path.write_bytes(b"\x10")
    with pytest.raises(ValueError, match="small"):
        pn.load_pruned(model, path)


# Costs on samples that the plan has not seen


def test_costs_are_told_for_samples_that_the_plan_has_not_seen():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(130, 13, generator=generator)
    y = (x[:, 0] + 0.5 * torch.randn(130, generator=generator) > 0).long()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 2))
    pn.training.train(model, x, y, epochs=60, rate=1e-2)
    plan = pn.plan_pruning(model, (x, y), keep=0.5)
    small = pn.apply_plan(model, plan, (x, y))
    fresh = torch.randn(4000, 13, generator=generator)
    with torch.no_grad():
        p, q = (f(fresh).log_softmax(1) for f in (model, small))
    truth = float((p.exp() * (p - q)).sum(1).mean() / np.log(2))
    low, high = plan.settings["held_out_bits"]
    assert low <= truth * 3
    assert truth <= max(high * 3, 1e-4)


# Odd things of one's own


def test_own_edges_and_measures_are_checked():
    acts = pn.capture(net(8, 6, 4), (X, Y))
    for edges in (
        lambda values, levels: torch.full((values.shape[1], levels - 1), float("nan")),
        lambda values, levels: torch.zeros(levels - 1),
    ):
        with pytest.raises(ValueError, match="edges"):
            pn.quantize(acts, how=edges)
    codes = pn.quantize(acts)
    with pytest.raises((TypeError, ValueError), match="Atoms"):
        pn.layer_maps(codes, lambda tables: 3)
    with pytest.raises(ValueError, match="-1"):
        pn.merge_units(codes, "0", [[0, -1]])


def test_complex_layers_are_refused_by_name():
    class Complex(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b = nn.Linear(8, 6), nn.Linear(6, 4)

        def forward(self, x):
            return self.b(torch.fft.fft(self.a(x)).real)

    class Own(nn.Module):
        def forward(self, x):
            return torch.complex(x, x)

    class Holder(nn.Module):
        def __init__(self):
            super().__init__()
            self.own, self.b = Own(), nn.Linear(8, 4)

        def forward(self, x):
            return self.b(self.own(x).real)

    with pytest.raises(ValueError, match="complex"):
        pn.capture(Holder().eval(), (X, Y), layers=["own"])


# Small words


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pn.capture(None, (X, Y)), "model=None"),
        (lambda: pn.capture(net(8, 6, 4), (X[:, :5], Y)), "shape"),
        (lambda: pn.quantize(pn.capture(net(8, 6, 4), (X, Y)), levels=2.5), "levels=2.5"),
        (lambda: pn.decompose(np.ones((2, 2, 2)) / 8, None), "None"),
        (lambda: pn.decompose(np.full((2, 2, 2), np.nan)), "finite"),
        (lambda: pn.plan_pruning(net(8, 6, 4), (X, Y), 0.5, lambda *_: 3), "Ranking"),
        (lambda: pn.profile({}), "no map|empty"),
        (lambda: pn.apply_plan(net(8, 6, 4), None, (X, Y)), "PruningPlan"),
        (lambda: pn.load_graph(__file__ + ".graphml"), "graphml"),
        (lambda: pn.plan_pruning(net(8, 6, 4), (X, Y), 0.5, seed=-1), "seed"),
    ],
)
def test_bad_input_is_one_sentence(call, words):
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=words) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 1


def test_advice_fits_the_fault():
    with pytest.raises(ValueError, match="negative") as caught:
        pn.decompose(np.full((2, 2, 2), -1 / 8))
    assert "divide" not in str(caught.value)


def test_numpy_inputs_and_names_of_quantizers_are_taken():
    model = net(8, 6, 4)
    acts = pn.capture(model, (X.numpy(), Y.numpy()))
    assert torch.equal(acts.layers["0"], pn.capture(model, (X, Y)).layers["0"])
    assert pn.quantize(acts, how="equal_mass").quantizer == "equal_mass"
    assert (
        pn.plan_pruning(model, (X.numpy(), Y.numpy()), keep=0.5).kept
        == pn.plan_pruning(model, (X, Y), keep=0.5).kept
    )
    half = np.full((2, 2, 2), 1 / 8, np.float16)
    assert pn.decompose(half).total == pytest.approx(0, abs=1e-6)


def test_keyword_inputs_are_planned():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b = nn.Linear(8, 6), nn.Linear(6, 4)

        def forward(self, values):
            return {"logits": self.b(torch.relu(self.a(values)))}

    data = {"values": X}, Y
    plan = pn.plan_pruning(Named().eval(), data, keep=0.5)
    assert pn.apply_plan(Named().eval(), plan, data).a.out_features == 3


MINE = """
import torch
from torch import nn

def network():
    return nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3))

def data():
    return torch.zeros(100, 8), torch.arange(100) % 3
"""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["map", "--seed", "-1"], "greater than or equal to 0"),
        (["prune", "--keep", "0.5", "--keep", "0.500000001"], "given twice"),
        (["map", "--layers", "0,,2"], "an empty name"),
        (["prune", "--repair", "magic"], "unknown repair 'magic'"),
        (["prune", "--out", ""], "an empty path"),
        (["energy", "--shape", "99999999999"], "at most 100,000,000"),
    ],
)
def test_odd_options_are_one_sentence_before_the_work(words, sentence, tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    command, *options = words
    data = [] if command == "energy" else ["--data", "mine.py:data"]
    monkeypatch.setattr("sys.argv", ["pidnet", command, "--model", "mine.py:network", *data, *options])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("pidnet: ")
    assert sentence in said[-1]
    assert {path.name for path in tmp_path.iterdir()} <= {"mine.py"}
