import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine
from sklearn.feature_selection import SelectKBest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import pidnet as pn


@parametrize_with_checks([pn.CoverSelector()])
@pytest.mark.filterwarnings("ignore")
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def table():
    """Two bits of the class, each three times, and four columns of noise."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 600)
    low, high = y % 2, y // 2
    copies = [bit + 0.1 * rng.random(600) for bit in (low, low, low, high, high, high)]
    return np.column_stack([*copies, rng.random((600, 4)), np.ones(600)]), y


def test_one_copy_of_each_bit_is_kept(table):
    selector = pn.CoverSelector(2, levels=2).fit(*table)
    kept = selector.get_support(indices=True)
    assert sorted(kept // 3) == [0, 1]
    assert selector.gains_[1] > 0.8 > 5 * selector.gains_[2]
    assert selector.order_[-1] == 10
    assert selector.transform(table[0]).shape == (600, 2)


def test_a_synergistic_pair_is_not_lost():
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2, (800, 5))
    y = bits[:, 1] ^ bits[:, 3]
    assert pn.CoverSelector(2, levels=2).fit(bits, y).get_support(indices=True).tolist() == [1, 3]


@pytest.mark.parametrize(("asked", "kept"), [(0.5, 6), (0.01, 1), (1.0, 13), (3, 3)])
def test_a_share_or_a_number_of_features(asked, kept):
    wine = load_wine()
    assert pn.CoverSelector(asked).fit(wine.data, wine.target).get_support().sum() == kept


@pytest.mark.parametrize("asked", [0, 14, 0.0, 1.5, "half"])
def test_what_is_no_number_of_features(asked):
    wine = load_wine()
    with pytest.raises(ValueError, match="expected a share above 0 to 1, or a whole number from 1 to 13"):
        pn.CoverSelector(asked).fit(wine.data, wine.target)


def test_selected_features_keep_their_names_in_a_frame():
    wine = load_wine(as_frame=True)
    chosen = pn.CoverSelector(3).set_output(transform="pandas").fit_transform(wine.data, wine.target)
    assert chosen.shape == (178, 3)
    assert set(chosen.columns) <= set(wine.data.columns)
    assert chosen[chosen.columns[0]].equals(wine.data[chosen.columns[0]])


def test_in_a_pipeline_it_selects_as_well_as_a_filter():
    """Ten pixels of 61, against the ten with the largest F; measured 0.89 and 0.90."""
    digits = load_digits()
    x, y, train = digits.data, digits.target, np.arange(len(digits.target)) % 3 != 2
    x = x[:, x[train].std(0) > 0]
    scores = []
    for selector in (pn.CoverSelector(10), SelectKBest(k=10)):
        pipeline = make_pipeline(selector, KNeighborsClassifier()).fit(x[train], y[train])
        scores.append(pipeline.score(x[~train], y[~train]))
    assert scores[0] > 0.87
    assert scores[0] > scores[1] - 0.02
