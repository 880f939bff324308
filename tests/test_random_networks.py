"""Random small networks of odd shapes: the right answer, or one sentence of ours; never a raw error from below.

A few networks here; ``python -m benchmarks.random_networks --nets 2000`` runs this file on as many as one likes.
"""

import json
import os
import traceback
import warnings
from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, Phase, assume, given, seed, settings, strategies as st
from torch import nn

import pidnet as pn
from pidnet.pruning.criteria import pid
from tests.random_networks import Residual, networks

OURS = str(Path(pn.__file__).parent)
NETS, SEED = int(os.environ.get("PIDNET_NETS", "10")), int(os.environ.get("PIDNET_SEED", "0"))
TALLY = os.environ.get("PIDNET_TALLY")  # a file for what was really compared, and how often
CHECKED = Counter()


@pytest.fixture(autouse=True, scope="module")
def tally():
    """What every check did, by family of network."""
    yield
    if TALLY:
        Path(TALLY).write_text(json.dumps(CHECKED))


def checked(model, what):
    CHECKED[f"{type(model).__name__}: {what}"] += 1


def many(test):
    """The test on ``NETS`` random networks, the same ones in every run."""
    phases = [Phase.generate, Phase.shrink] if NETS < 50 else [Phase.generate]
    chosen = settings(
        max_examples=NETS,
        phases=phases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    return seed(SEED)(chosen(test))


def said(model, what, call):
    """What a call gives, or None where it said in one sentence of ours why it gives nothing."""
    error = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            return call()
        except (ValueError, TypeError) as raised:
            error = raised
    innermost = traceback.extract_tb(error.__traceback__)[-1]
    assert innermost.filename.startswith(OURS), f"raised from below: {error!r}"
    assert len(str(error).splitlines()) == 1, f"not one sentence: {error}"
    checked(model, f"{what} refused in words")
    return None


def outputs(model, data):
    with torch.no_grad():
        return model(data[0])


@many
@given(networks())
def test_a_batch_is_read_as_the_network_itself_tells_its_samples_one_by_one(drawn):
    model, (x, y) = drawn
    together = said(model, "capture", lambda: pn.capture(model, (x, y)))
    one_by_one = list(zip(x.split(1), y.split(1), strict=True))
    alone = said(model, "capture", lambda: pn.capture(model, one_by_one))
    assert (together is None) == (alone is None)
    if together is None:
        return
    assert together.layers.keys() == alone.layers.keys()
    assert together.layers.keys() | together.skipped.keys() >= model.told.keys()
    checked(model, "capture equals its samples one by one")
    told = []
    for sample in x.split(1):
        outputs(model, (sample,))
        told.append(dict(model.told))
    for name, values in together.layers.items():
        torch.testing.assert_close(values, alone.layers[name], rtol=1e-4, atol=1e-5)
        if name in model.told:
            truth = torch.cat([one[name] for one in told])
            torch.testing.assert_close(values, truth, rtol=1e-4, atol=1e-5)
            checked(model, "layers equal the forward pass by hand")


@many
@given(
    networks(), st.sampled_from(["pid", "obs", "l2", "random", "taylor"]), st.sampled_from([0.3, 0.5, 1.0])
)
def test_every_network_is_planned_and_cut_or_refused_in_words(drawn, criterion, keep):
    model, data = drawn
    search = {"search": False} if criterion == "pid" else {}
    plan = said(model, "plan", lambda: pn.plan_pruning(model, data, keep=keep, criterion=criterion, **search))
    if plan is None:
        return
    small = said(model, "cut", lambda: pn.apply_plan(model, plan, data))
    assert small is not None, "a plan that was made is carried out"
    assert outputs(small, data).shape == outputs(model, data).shape
    checked(model, "planned and cut")
    if keep == 1.0:
        checked(model, "nothing cut changes nothing")
        torch.testing.assert_close(outputs(small, data), outputs(model, data), rtol=1e-3, atol=1e-4)


def incoming(model, name, units):
    """The weights and biases that make a layer, as (gate, unit, ...); to change them is to change the network."""
    module, _, layer = name.rpartition(".")
    if isinstance(model.get_submodule(module), nn.RNNBase):
        owners, ends = [module], (f"_{layer}",)
    else:
        owners, ends = [name, "down"] if isinstance(model, Residual) and name == "stem" else [name], ("",)
    for owner in owners:
        for key, weight in model.get_submodule(owner).named_parameters():
            if key.startswith("in_proj"):
                yield weight.data.unflatten(0, (3, units, -1))
            elif key.endswith(ends) and not key.startswith("out_proj"):
                yield weight.data.unflatten(0, (-1, units))


def plant(model, plan, kind):
    """Units that cost nothing, as many in each layer as the plan removes: silent ones, or twins of one that stays.

    A layer that is normalized over its units stays as it is: each of them changes what the others put out.
    """
    parts = getattr(model, "parts", ())
    normalized = {f"parts.{i - 1}" for i, part in enumerate(parts) if isinstance(part, nn.GroupNorm)}
    if not isinstance(model, Residual):
        normalized |= {"stem", "embed"}
    for name, kept in plan.kept.items():
        if name not in normalized:
            spare = plan.units[name] - len(kept)
            for weight in incoming(model, name, plan.units[name]):
                weight[:, :spare] = 0 if kind == "silent" else weight[:, spare : spare + 1].clone()
            yield name


def costs_nothing_but_the_ridge(model, data, plan, criterion):
    """A twin costs what the ridge of the criteria makes it cost, in proportion to it.

    The ridge is a share of the mean variance of what the next layer reads. Usually that makes some 1e-5; more where
    one unit is far louder than the others, as one at -12 is next to zero padding.
    """
    cost = sum(unit.cost for name in plan.kept for unit in plan.still_removed(name))
    if cost >= 1e-3:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(pid, "RIDGE", pid.RIDGE / 100)
            smaller = pn.plan_pruning(model, data, keep=0.5, criterion=criterion)
        smaller.kept.update(plan.kept)
        assert sum(unit.cost for name in plan.kept for unit in smaller.still_removed(name)) < cost / 50
        checked(model, "a twin costs more than 1e-3, in proportion to the ridge")


CUTS = [
    ("silent", "l2", "none"),
    ("silent", "l2", "refit"),
    ("silent", "obs", "reconstruct"),
    ("silent", "pid", "fold"),
    ("twin", "obs", "fold"),
    ("twin", "obs", "refit"),
    ("twin", "pid", "fold"),
]


@many
@given(networks(sizes=(400,)), st.sampled_from(CUTS))  # more samples than features: zero cost is no accident
def test_a_cut_at_no_cost_changes_nothing(drawn, chosen):
    model, data = drawn
    kind, criterion, repair = chosen
    plan = said(model, "plan", lambda: pn.plan_pruning(model, data, keep=0.5, criterion="l2"))
    assume(plan is not None)
    planted = list(plant(model, plan, kind))
    before = outputs(model, data)
    plan = said(model, "plan", lambda: pn.plan_pruning(model, data, keep=0.5, criterion=criterion))
    assert plan is not None, "what l2 plans is planned by others"
    plan.kept.update({name: list(range(n)) for name, n in plan.units.items() if name not in planted})
    assume(plan.share_kept < 1)
    costs_nothing_but_the_ridge(model, data, plan, criterion)
    small = pn.apply_plan(model, plan, data, repair=repair)
    # What others can replace costs what the ridge of the criteria makes it cost, a little more than nothing.
    torch.testing.assert_close(outputs(small, data), before, rtol=0, atol=0.02 * float(before.abs().max()))
    checked(model, f"a cut at no cost ({kind} units) changes nothing")


@many
@given(networks(), st.sampled_from(["i_min", "i_mmi"]))
def test_every_network_is_mapped_or_refused_in_words(drawn, measure):
    model, data = drawn
    acts = said(model, "capture", lambda: pn.capture(model, data))
    codes = None if acts is None else said(model, "quantize", lambda: pn.quantize(acts, levels=2))
    if codes is None:
        return
    maps = said(model, "map", lambda: pn.layer_maps(codes, measure, correction="none", null="none"))
    if maps is not None:
        assert maps.keys() | maps.skipped.keys() >= acts.layers.keys()
        checked(model, "mapped")
