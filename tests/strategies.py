"""Hypothesis strategies: random joint tables of two sources and a target."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def tables(draw, max_levels=4, max_classes=4, pairs=None, sparse=True):
    """A batch of tables (pair, x1, x2, y); with ``sparse`` some cells are structural zeros."""
    shape = (
        pairs or draw(st.integers(1, 3)),
        draw(st.integers(2, max_levels)),
        draw(st.integers(2, max_levels)),
        draw(st.integers(2, max_classes)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p = rng.dirichlet(np.ones(np.prod(shape[1:])), size=shape[0]).reshape(shape)
    if sparse and draw(st.booleans()):
        p = np.where(rng.random(shape) < 0.4, 0.0, p)
        p[:, 0, 0, 0] += 0.01
    return p / p.sum((1, 2, 3), keepdims=True)


@st.composite
def covariances(draw, max_dim=3, target=None, batch=None):
    """A batch (pair, n, n) of full-rank covariances in the order source1, source2, target, and their dims."""
    dims = (
        draw(st.integers(1, max_dim)),
        draw(st.integers(1, max_dim)),
        target or draw(st.integers(1, max_dim)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    root = rng.standard_normal((batch or draw(st.integers(1, 3)), sum(dims), sum(dims) + 3))
    return root @ root.mT / (sum(dims) + 3), dims
