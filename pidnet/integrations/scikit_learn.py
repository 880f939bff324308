"""A scikit-learn selector: the features of a table that cover the information of the others about the class."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from pidnet.activations import Activations
from pidnet.codes import quantize
from pidnet.graph import redundancy_graph
from pidnet.maps import LayerMap, layer_maps
from pidnet.pruning.criteria.graph_cover import rank_by_cover

FEATURES = "features"


class CoverSelector(SelectorMixin, BaseEstimator):
    """Keeps the features that cover the rest: greedy facility location on the redundancy graph.

        gain(k) = sum_j max(0, c(j, k) - max_{l kept} c(j, l)),   c(j, k) = R(j, k), bits about y

    c(j, j) is I(Y;j), plus its largest net synergy. A feature that repeats a kept one gains nothing,
    one that only a partner makes sense of is not lost; see ``pidnet.pruning.criteria.graph_cover.rank_by_cover``.

    Parameters
    ----------
    n_features : float or int
        A share of the features (float, above 0 to 1), at least one; or how many (int).
    measure : str or callable
        A name in ``pidnet.MEASURES`` or a function from PairTables to Atoms; i_min and i_mmi call equal amounts
        redundant and would keep one of two different bits.
    levels : int
        Of each feature, of equal mass.

    Attributes
    ----------
    order_ : ndarray
        int (feature,), the features by falling gain, constant ones last.
    gains_ : ndarray
        float64 (feature,), bits, in this order.
    map_ : LayerMap or None
        Of all pairs; None where fewer than two features vary.

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> X[:, 2] = X[:, 0]  # a copy
    >>> y = (X[:, 0] + X[:, 1] > 0).astype(int)
    >>> pn.CoverSelector(2, measure="i_min").fit_transform(X, y).shape
    (200, 2)
    """

    def __init__(
        self, n_features: float = 0.5, *, measure: str | Callable = "i_broja", levels: int = 4
    ) -> None:
        self.n_features, self.measure, self.levels = n_features, measure, levels

    def fit(self, X, y):
        """Rank the features by what they cover about the classes.

        Parameters
        ----------
        X : array
            Finite numbers, (sample, feature).
        y : array
            Classes, (sample,).

        Returns
        -------
        CoverSelector
            Itself.

        Raises
        ------
        ValueError
            For n_features out of range, or a y that is no classes.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self._kept = self._how_many(X.shape[1])
        self.map_ = self._map(X, np.unique(y, return_inverse=True)[1])
        if self.map_ is None:
            self.order_ = np.argsort(-X.std(0), kind="stable")
            self.gains_ = np.zeros(X.shape[1])
        else:
            ranking = rank_by_cover(redundancy_graph(self.map_, alpha=None))
            self.order_ = ranking.order[::-1]
            self.gains_ = ranking.cost[self.order_]
        return self

    def _map(self, X: np.ndarray, classes: np.ndarray) -> LayerMap | None:
        if (X.min(0) < X.max(0)).sum() < 2:
            return None
        rows = Activations(
            {FEATURES: torch.from_numpy(X.copy())}, torch.from_numpy(classes), {FEATURES: "none"}
        )
        codes = quantize(rows, self.levels)
        return layer_maps(codes, self.measure, correction="none", null="none")[FEATURES]

    def _how_many(self, features: int) -> int:
        """Features that stay."""
        asked = self.n_features
        if isinstance(asked, Integral) and 1 <= asked <= features:
            return int(asked)
        if isinstance(asked, Real) and not isinstance(asked, Integral) and 0 < asked <= 1:
            return max(1, round(float(asked) * features))
        raise ValueError(
            f"n_features={asked!r}; expected a share above 0 to 1, or a whole number from 1 to {features}"
        )

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        mask = np.zeros(len(self.order_), dtype=bool)
        mask[self.order_[: self._kept]] = True
        return mask

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
