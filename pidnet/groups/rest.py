"""A unit against the rest of its layer."""

from __future__ import annotations

from typing import Literal

import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from pidnet.arguments import check_arguments
from pidnet.codes import Codes
from pidnet.groups.invariants import joint_states
from pidnet.measures import find_measure
from pidnet.measures.atoms import Atoms
from pidnet.measures.measure import MeasureLike
from pidnet.tables.discrete import PairTables

FOLDS = 5


def unit_against_rest(
    codes: Codes,
    layer: str,
    measure: MeasureLike = "i_broja",
    *,
    rest: Literal["prediction", "joint"] = "prediction",
) -> Atoms:
    """Decompose what each unit (source 1) and all others of its layer together (source 2) carry about the target.

    Parameters
    ----------
    codes : Codes
        The codes of the layer, among others.
    layer : str
        The name of the layer.
    measure : str, Measure or callable
        A name in ``MEASURES`` or a function from PairTables to Atoms.
    rest : {"prediction", "joint"}
        "joint" takes the joint code of the other units as it is, which is exact but counts well only where they have
        far fewer joint states than there are samples. "prediction" puts the class that a ridge classifier reads from
        the other units (out of fold, 5 folds) in their place: a function of the rest, so that information with the
        rest is a lower bound and what is unique to the unit an upper one.

    Returns
    -------
    Atoms
        One entry for each unit, (unit,), bits.

    Raises
    ------
    ValueError
        For an unknown layer, measure or ``rest``, or a layer of a single unit.

    Notes
    -----
    These are plug-in atoms, without correction, null or interval. The correction of maps takes the table of a pair as
    counted from independent samples; the prediction is fitted to the same samples, and a joint code has about as
    many states as there are samples, where no correction helps. Their null is the same call with permuted labels
    (``codes.with_target``), which repeats the fit.

    Examples
    --------
    >>> import pidnet as pn
    >>> copies = pn.Codes.of({"layer": [[0, 0, 0], [1, 1, 1]] * 10}, [0, 1] * 10)
    >>> pn.unit_against_rest(copies, "layer", "i_min", rest="joint").redundancy
    array([1., 1., 1.])
    """
    check_arguments(unit_against_rest, locals())
    function = find_measure(measure)
    if rest not in ("prediction", "joint"):
        raise ValueError(f'rest={rest!r}; expected "prediction" or "joint"')
    units, target = codes.layer(layer).values.numpy().astype(np.int64), codes.target.numpy()
    if units.shape[1] < 2:
        raise ValueError(f"layer {layer!r} has a single unit, which has no rest")
    atoms = []
    for unit in range(units.shape[1]):
        others = np.delete(units, unit, axis=1)
        source = joint_states(others) if rest == "joint" else _predicted(others, target, codes)
        p = _table(units[:, unit], source, target, (codes.levels, int(source.max()) + 1, len(codes.classes)))
        atoms.append(function(PairTables(np.array([[unit, -1]]), p[None], len(target))))
    return Atoms.concatenate(atoms)


def _table(
    first: np.ndarray, second: np.ndarray, target: np.ndarray, shape: tuple[int, int, int]
) -> np.ndarray:
    cells = np.ravel_multi_index((first, second, target), shape)
    return np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape) / len(target)


def _predicted(units: np.ndarray, target: np.ndarray, codes: Codes) -> np.ndarray:
    """Class read from the one-hot codes of some units by ridge regression, out of fold, int (sample,)."""
    onehot = np.eye(codes.levels)[units].reshape(len(units), -1)
    folds = PredefinedSplit(np.arange(len(units)) % FOLDS)
    return cross_val_predict(RidgeClassifier(), onehot, target, cv=folds)
