"""Activations -> codes, each unit by its own edges."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from pidnet.activations import Activations
from pidnet.arguments import check_arguments
from pidnet.choices import name_of
from pidnet.codes._fitting import discrete_units, encode, exact_units, fit_edges, stored_edges
from pidnet.codes._layer import LayerCodes
from pidnet.codes.codes import Codes, class_index
from pidnet.codes.quantizers import Quantizer, find_quantizer


def quantize(
    acts: Activations,
    levels: int = 4,
    how: str | Quantizer = "equal_mass",
    *,
    edges: Mapping[str, Tensor] | None = None,
) -> Codes:
    """Turn activations into codes 0 ... levels - 1, each unit by its own edges.

    Parameters
    ----------
    acts : Activations
        What `capture` returned, with integer class labels as the target.
    levels : int
        2 to 256. Vector units (sample, unit, dim) are coded jointly by k-means, with ``levels`` cells.
    how : str or callable
        A name in ``pn.quantizers.QUANTIZERS`` or a function (values (sample, unit), levels) -> edges (unit,
        levels - 1). A unit with at most ``levels`` distinct values keeps them as its own codes.
    edges : mapping of str to Tensor, optional
        Reuse the edges of earlier codes, ``codes.edges``, on new data instead.

    Returns
    -------
    Codes
        On the CPU, whatever the device of the activations.

    Raises
    ------
    ValueError
        For levels outside 2 ... 256, an unknown quantizer, no samples, a target that is not made of class
        labels, or edges that do not fit the layers.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> values = torch.tensor([[0.1, 5.0], [0.2, 5.0], [0.3, 7.0], [0.4, 8.0]])
    >>> acts = pn.Activations({"fc1": values}, torch.tensor([0, 0, 1, 1]), {})
    >>> pn.quantize(acts, levels=2).layer("fc1").values
    tensor([[0, 0],
            [0, 0],
            [1, 1],
            [1, 1]], dtype=torch.uint8)
    """
    check_arguments(quantize, locals())
    if not isinstance(levels, int) or not 2 <= levels <= 256:
        raise ValueError(f"levels={levels}; expected a whole number, 2 to 256")
    target, classes = class_index(acts.target)
    quantizer = find_quantizer(how)
    layers = {
        name: _layer_codes(name, values, levels, quantizer, edges) for name, values in acts.layers.items()
    }
    named = name_of(how) if edges is None else "stored edges"
    sample, predicted = (None if x is None else x.cpu() for x in (acts.sample, acts.predicted))
    return Codes(layers, target, classes, levels, named, acts.skipped, sample, predicted)


def _layer_codes(
    name: str, values: Tensor, levels: int, how: Quantizer, edges: Mapping[str, Tensor] | None
) -> LayerCodes:
    own = discrete_units(values, levels)
    if edges is None:
        fitted = fit_edges(values, levels, how, own)
    else:
        fitted = stored_edges(edges, name, values, levels)
    codes = encode(values, fitted)
    alphabet = f"{levels} cells of {values.shape[2]} dimensions" if values.ndim == 3 else ""
    exact = exact_units(values, codes, own)
    return LayerCodes.of(codes, levels, exact=exact, edges=fitted.cpu(), alphabet=alphabet)
