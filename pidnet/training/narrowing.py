"""Train, cut, repair, train on: the small network at part of the energy of training the dense one to the end."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from torch import nn

from pidnet.arguments import check_arguments
from pidnet.networks.batches import Data, labelled
from pidnet.networks.inputs import take
from pidnet.networks.running import check_runs, restored
from pidnet.pruning.criteria.criterion import Rank
from pidnet.pruning.repair.running import Repair
from pidnet.training._moments import HOLDOUT, Moment, Run, Saturation, fixed
from pidnet.training.narrowed import Narrowed
from pidnet.training.penalties import Penalty

AUTO = "auto"


def train_narrowing(
    model: nn.Module,
    data: Data,
    keep: float,
    *,
    epochs: int = 30,
    cuts: Sequence[float] | str = (0.5,),
    last: int | None = None,
    criterion: str | Rank = "pid",
    repair: str | Repair = "refit",
    layers: Sequence[str] | None = None,
    rate: float = 1e-3,
    decay: float | tuple[float, float] = 0.0,
    penalty: Callable[[nn.Module], Penalty] | None = None,
    batch: int = 64,
    calibration: int = 500,
    seed: int = 0,
) -> Narrowed:
    """Train a network, cut it on the way, repair it and train the smaller network on.

    Parameters
    ----------
    model : torch.nn.Module
        The dense network, at its initialization; it is not changed.
    data : (x, y), list of such batches, or DataLoader
        Training data.
    keep : float
        Share of the units that stay in the end.
    epochs : int
        Passes over the data that the dense network would get.
    cuts : sequence of float or "auto"
        When to cut, as shares of the epochs. Of several cuts each keeps the same share of what is there. "auto" looks
        after every eighth of the epochs, from the second on, and cuts once where more training of the dense network
        has lowered the loss of the cut one by less than 5 %; the looks are part of the energy.
    last : int, optional
        Epochs after the last cut, which cost little; those that are left by default.
    criterion, repair, layers
        As for ``plan_pruning`` (without its search, which would cost more than it brings here) and ``apply_plan``.
    rate : float
        Largest learning rate of the one-cycle schedules. The dense phase is the beginning of the schedule of all
        epochs; after a cut the optimizer is new and a schedule of the epochs that are left (or of ``last``) begins.
    decay : float or (float, float)
        Decay of the weights as for ``train``; a pair is the one before the first cut and the one after it. On an MLP
        a decay of 1 in both gained two points, with BatchNorm it lost two.
    penalty : callable, optional
        Network -> penalty of its training before each cut, such as ``Foldable`` or ``partial(Foldable, weight=3)``; its
        MACs are part of the energy. On an MLP with decay it gained nothing before a cut from which training goes on.
    batch : int
        Samples of a step.
    calibration : int
        Training samples, drawn at random, that plans and repairs are made on.
    seed : int
        Of the order of the batches and the draw.

    Returns
    -------
    Narrowed
        The small network, the plans, and the energy of the training against that of the dense one.

    Raises
    ------
    ValueError
        For cuts that are not ascending shares between 0 and 1 with an epoch between them, data that the model does not
        take, or a budget that ``plan_pruning`` does not take.

    Notes
    -----
    MACs = sum over phases of 3 * samples * epochs * MACs of a forward pass + plan + repair + penalty: backward counts as
    two forward passes. Of plans and repairs, the matrix products and solves of torch are counted as they run, and the
    elimination of "pid" and "obs" as 2 f (f + o)^2 for f features and o outputs of each layer that reads units; what
    other criteria do in numpy is not counted. Compare with a small network trained from the start for as much
    energy: ``benchmarks/results/training.md`` has both.

    It won by two points on an MLP; on a small CNN and an LSTM, at a tenth of the units, the fresh network won.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> data = torch.randn(80, 4, generator=torch.Generator().manual_seed(0)), torch.arange(80) % 3
    >>> narrowed = pn.training.train_narrowing(pn.zoo.mlp(4, (64,), 3), data, 0.25, epochs=4, criterion="l2")
    >>> narrowed.model.fc1
    Linear(in_features=4, out_features=16, bias=True)
    """
    check_arguments(train_narrowing, locals())
    x, y = labelled(data)
    _check(epochs, last, rate, calibration)
    with restored(model):
        check_runs(model, take(x, slice(2)))
    how = {"criterion": criterion, "repair": repair, "layers": layers}
    run = Run(copy.deepcopy(model), x, y, epochs, last, calibration, seed, how, penalty)
    moments = [Saturation(run, keep)] if isinstance(cuts, str) and cuts == AUTO else _moments(run, keep, cuts)
    decays = decay if isinstance(decay, tuple) else (decay, decay)
    for number, moment in enumerate((*moments, None)):
        run.train(moment, rate=rate, decay=decays[number > 0], batch=batch)
    return Narrowed(run.model.eval(), tuple(run.plans), tuple(run.phases), len(y), epochs)


def _check(epochs: int, last: int | None, rate: float, calibration: int) -> None:
    if last is not None and last < 1:
        raise ValueError(f"last={last}; expected at least one epoch after the last cut")
    if epochs < 2 or not 0 < rate < float("inf"):
        raise ValueError(f"epochs={epochs}, rate={rate}; expected at least two epochs and a rate above 0")
    if calibration < 2 * HOLDOUT:
        raise ValueError(f"calibration={calibration}; expected at least {2 * HOLDOUT} samples")


def _moments(run: Run, keep: float, cuts: Sequence[float] | str) -> list[Moment]:
    """The cuts after fixed epochs."""
    if isinstance(cuts, str) or not cuts or not all(0 < cut < 1 for cut in cuts):
        raise ValueError(f"cuts={cuts!r}; expected shares of the epochs between 0 and 1, or {AUTO!r}")
    ends = [round(cut * run.epochs) for cut in cuts]
    if any(end <= start for start, end in zip((0, *ends), (*ends, run.epochs), strict=True)):
        raise ValueError(
            f"cuts={tuple(cuts)} of epochs={run.epochs} are epochs {', '.join(map(str, ends))}; "
            "expected ascending ones with an epoch before, between and after them"
        )
    return [fixed(run, keep ** (1 / len(ends)), end) for end in ends]
