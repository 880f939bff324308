"""The default correction where redundancy is neither that of noise nor that of copies."""

import numpy as np

import pidnet as pn
from pidnet.measures.atoms import Atoms
from pidnet.significance.mixture import correct_pairs
from pidnet.significance.plug_in import weighted_sum

SAMPLES = 1000
LIMIT = 0.006  # bits; with the weights r^2 the four errors are .008 to .0115


def counted(counts: np.ndarray) -> Atoms:
    return pn.MEASURES["i_ccs"](tables_of(counts))


def tables_of(counts: np.ndarray) -> pn.PairTables:
    samples = int(counts[0].sum())
    return pn.PairTables(np.zeros((len(counts), 2), int), counts / samples, samples)


def test_redundancy_of_half_lost_copies_is_not_shrunk():
    rng = np.random.default_rng(0)
    channel = rng.dirichlet(np.ones(4), (10, 10))  # table, class, level
    copy = 0.5 * np.eye(4) + 0.5 / 4
    truth = (np.einsum("tya,ab->taby", channel, copy) / 10).repeat(30, 0)
    counts = rng.multinomial(SAMPLES, truth.reshape(len(truth), -1))
    half = np.stack([rng.multivariate_hypergeometric(row, SAMPLES // 2) for row in counts])
    counts, half = counts.reshape(truth.shape), half.reshape(truth.shape)
    plug_in = counted(counts)
    gained = weighted_sum([(0.5, counted(half)), (0.5, counted(counts - half)), (-1.0, plug_in)])
    found = correct_pairs(plug_in, tables_of(counts), pn.MEASURES["i_ccs"], gained)
    true = pn.MEASURES["i_ccs"](pn.PairTables(np.full((len(truth), 2), -1), truth))
    for name in ("redundancy", "unique1", "unique2", "synergy"):
        assert abs((getattr(found, name) - getattr(true, name)).mean()) < LIMIT, name
