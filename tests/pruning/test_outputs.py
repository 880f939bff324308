"""Networks that put out more than scores, or scores in another order, and data as their makers' loaders have them."""

import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.networks.batches import labelled
from pidnet.networks.said import Said
from tests.pruning.odd_networks import Net

X = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))


def heads(run):
    torch.manual_seed(0)
    return Net(run, a=nn.Linear(5, 12), b=nn.Linear(12, 6), c=nn.Linear(12, 8), d=nn.Linear(8, 4)).eval()


def detector(net, x):
    seen = net.a(x).relu()
    return {"scores": (net.b(seen),), "boxes": net.d(net.c(seen).relu())}


def test_all_entries_of_a_mapping_are_what_is_said():
    model = heads(detector)
    plan = pn.plan_pruning(model, (X, torch.zeros(60)), 0.5)
    assert plan.settings["output"] == "gaussian"
    assert "its output read as gaussian" in plan.explain()
    small = pn.apply_plan(model, plan, (X, torch.zeros(60)), "none")
    assert small(X)["boxes"].shape == (60, 4)
    assert small.a.out_features == 6


def test_of_a_chosen_entry_alone_a_loss_is_measured():
    model = heads(detector)
    plan = pn.plan_pruning(model, (X, torch.arange(60) % 4), 0.5, "obs", output="boxes")
    assert plan.settings["entry"] == "boxes"
    assert "entry 'boxes' of its output read as classes" in plan.explain()
    small = pn.apply_plan(model, plan, (X, torch.zeros(60)))
    with torch.no_grad():
        before, after = (net(X)["boxes"] for net in (model, small))
    assert (after - before).norm() < 0.5 * before.norm()
    with pytest.raises(ValueError, match="output='box' is neither a reading"):
        pn.plan_pruning(model, (X, torch.zeros(60)), 0.5, output="box")
    with pytest.raises(ValueError, match="output='' names nothing; expected classes"):
        pn.plan_pruning(model, (X, torch.zeros(60)), 0.5, output="")


def test_units_that_another_entry_shows_stay():
    model = heads(lambda s, x: (s.d((seen := s.c(s.a(x).relu())).relu()), seen))
    plan = pn.plan_pruning(model, (X, X[:, :4]), 0.5, "l2")
    assert list(plan.kept) == ["a"]
    assert plan.left_out["c"] == "its units reach another entry of the output without another layer"


class StepFirst(nn.Module):
    """Scores (step, sample, class), as CTC takes them."""

    def __init__(self):
        super().__init__()
        self.first, self.rnn, self.head = nn.Linear(3, 8), nn.GRU(8, 6), nn.Linear(6, 4)

    def forward(self, x):
        return self.head(self.rnn(self.first(x).relu().transpose(0, 1))[0])


@pytest.mark.parametrize("steps", [2, 5, 60])
def test_steps_before_samples_are_the_same_network(steps):
    torch.manual_seed(0)
    model, x = StepFirst().eval(), torch.randn(60, steps, 3)
    data = x, torch.randint(0, 4, (60, steps))
    turned = Net(lambda s, x: s.net(x).transpose(0, 1), net=model)
    plans = [pn.plan_pruning(net, data, 0.5, output="tokens") for net in (model, turned.eval())]
    assert [*plans[0].kept.values()] == [*plans[1].kept.values()]
    assert plans[0].settings["measured_bits"] == pytest.approx(plans[1].settings["measured_bits"])
    assert pn.apply_plan(model, plans[0], data)(x).shape == (steps, 60, 4)


def test_batches_as_mappings_with_labels():
    ids = torch.randint(1, 9, (6, 4))
    batches = [
        {"input_ids": ids[k : k + 2], "attention_mask": ids[k : k + 2] > 2, "labels": ids[k : k + 2, 0]}
        for k in (0, 2, 4)
    ]
    x, y = labelled(batches)
    assert list(x) == ["input_ids", "attention_mask"]
    assert torch.equal(x["input_ids"], ids)
    assert torch.equal(y, ids[:, 0])
    assert torch.equal(labelled(batches[0])[1], ids[:2, 0])
    with pytest.raises(ValueError, match="none of 6 samples has a label"):
        labelled([{"input_ids": ids}])


@pytest.mark.parametrize("data", [lambda x, y: (x, None), lambda x, y: [(x[:20], None), (x[20:], None)]])
def test_an_embedding_is_pruned_without_labels(data):
    torch.manual_seed(0)
    net, (x, y) = pn.zoo.mlp(6, (12, 12), 4), (torch.randn(60, 6), torch.zeros(60, dtype=torch.long))
    plan = pn.plan_pruning(net, data(x, y), 0.5, output="gaussian")
    assert plan.kept == pn.plan_pruning(net, (x, y), 0.5, output="gaussian").kept
    small = pn.apply_plan(net, plan, data(x, y))
    assert torch.equal(small(x), pn.apply_plan(net, plan, (x, y))(x))


def test_what_needs_labels_says_so_where_there_are_none():
    net, data = pn.zoo.mlp(6, (12,), 4), (torch.randn(60, 6), None)
    with pytest.raises(
        ValueError, match=r'the data have no labels, .*; say how to read it: output= "classes"'
    ):
        pn.plan_pruning(net, data, 0.5)
    for asks in (
        lambda: pn.plan_pruning(net, data, 0.5, criterion="taylor", output="classes"),
        lambda: pn.plan_pruning(net, data, 0.5, criterion="mrmr", output="classes"),
        lambda: pn.plan_pruning(net, data, 0.5, criterion="graph_i_min", output="classes"),
        lambda: pn.plan_pruning(net, data, 0.5, criterion="graph_gaussian", output="classes"),
        lambda: pn.quantize(pn.capture(net, data)),
        lambda: pn.layer_maps(pn.capture(net, data), measure="gaussian_i_mmi"),
        lambda: pn.information_plane(net, data),
    ):
        with pytest.raises(ValueError, match="none of 60 samples has a label"):
            asks()


def test_heads_of_a_known_width_go_as_such():
    class Attention(nn.Module):
        head_dim = 4

        def __init__(self):
            super().__init__()
            self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(16, 16) for _ in range(4))

        def forward(self, x):
            q, k, v = (
                layer(x).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
                for layer in (self.q_proj, self.k_proj, self.v_proj)
            )
            return self.o_proj(nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))

    torch.manual_seed(0)
    model = Net(
        lambda s, x: s.head(s.m(s.a(x)).mean(1)), a=nn.Linear(5, 16), m=Attention(), head=nn.Linear(16, 3)
    )
    x = torch.randn(60, 4, 5)
    data = x, torch.arange(60) % 3
    plan = pn.plan_pruning(model.eval(), data, 0.5, "l2", layers=["m"])
    assert plan.units == {"m": 4}
    assert pn.apply_plan(model, plan, data).m.q_proj.out_features == 8
    assert Said()(model(x)).shape == (60, 3)


class Pairs(nn.Module):
    """Two embeddings, and the similarities of all samples of the one to all of the other."""

    def __init__(self):
        super().__init__()
        self.images, self.texts = (pn.zoo.mlp(6, (8,), 4) for _ in range(2))

    def forward(self, images, texts):
        images, texts = self.images(images), self.texts(texts)
        return {"similarities": images @ texts.T, "image_embeds": images, "text_embeds": texts}


@pytest.mark.parametrize("output", ["gaussian", "similarities"])
def test_an_output_that_depends_on_the_samples_beside_is_refused(output):
    torch.manual_seed(0)
    data = (torch.randn(40, 6), torch.randn(40, 6)), None
    with pytest.raises(ValueError, match=r"for one sample and .* for two: .* depends on those beside it"):
        pn.plan_pruning(Pairs(), data, 0.5, output=output)
    plan = pn.plan_pruning(Pairs(), data, 0.5, output="image_embeds")
    assert plan.settings["output"] == "gaussian"
    assert set(plan.kept) == {"images.fc1"}
