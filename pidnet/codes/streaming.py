"""Codes of more data than memory holds: edges from a share of the data, then batch by batch to uint8."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from pidnet.activations import record
from pidnet.arguments import check_arguments
from pidnet.codes._fitting import encode
from pidnet.codes._layer import LayerCodes
from pidnet.codes.codes import Codes, class_index, class_labels
from pidnet.networks.batches import Data
from pidnet.networks.inputs import Inputs


def capture_codes(
    model: nn.Module,
    data: Data,
    codes: Codes,
    *,
    reduce: Mapping[str, str] | None = None,
    draws: int = 1,
    mask: Callable[[Inputs], Tensor] | None = None,
) -> Codes:
    """Capture and quantize one batch at a time, with the edges of earlier codes.

    Memory grows by one byte for each unit and row.

    Parameters
    ----------
    model : torch.nn.Module
        The network to run.
    data : batches, or a pair (x, y)
        Anything that `capture` takes.
    codes : Codes
        Codes of a share of the data, ``quantize(capture(model, share), levels)``: their layers are captured,
        with their edges, and the units that are exact there count as exact.
    reduce, draws, mask
        As in `capture`, and as they were for ``codes``.

    Returns
    -------
    Codes
        Of all the data; ``classes`` are those that occur in it.

    Raises
    ------
    ValueError
        When the layers come out otherwise than in ``codes``.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> net = pn.zoo.mlp(4, (3,), 2)
    >>> x, y = torch.randn(60, 4, generator=torch.Generator().manual_seed(0)), torch.arange(60) % 2
    >>> share = pn.quantize(pn.capture(net, (x[:20], y[:20])), levels=2)
    >>> len(pn.capture_codes(net, [(x[:30], y[:30]), (x[30:], y[30:])], codes=share))
    60
    """
    check_arguments(capture_codes, locals())
    edges = codes.edges
    # bytearrays grow in place; a list of small tensors would fragment the heap and keep the memory that the
    # activations have freed.
    layers = {name: bytearray() for name in edges}
    rest = {name: bytearray() for name in ("target", "sample", "predicted")}
    names = list(dict.fromkeys(name.split("[")[0] for name in layers))
    for block in record(model, data, names, reduce=reduce, draws=draws, mask=mask):
        if block.layers.keys() != layers.keys():
            raise ValueError(
                f"the codes hold the layers {', '.join(layers)}, but this data gives "
                f"{', '.join(block.layers)}; pass the same reduce= to both"
            )
        for name, values in block.layers.items():
            layers[name] += encode(values, edges[name].to(values.device)).numpy().data
        for name, buffer in rest.items():
            value = getattr(block, name)
            if value is not None:
                buffer += (class_labels(value) if name == "target" else value.cpu()).numpy().data
    whole = {name: torch.frombuffer(buffer, dtype=torch.int64) for name, buffer in rest.items() if buffer}
    target, classes = class_index(whole.pop("target"))
    coded = {name: _recoded(codes.layers[name], buffer, codes.levels) for name, buffer in layers.items()}
    return replace(codes, layers=coded, target=target, classes=classes, **({"predicted": None} | whole))


def _recoded(layer: LayerCodes, buffer: bytearray, levels: int) -> LayerCodes:
    """A layer with other codes of the same units, uint8 in a row."""
    values = torch.frombuffer(buffer, dtype=torch.uint8).reshape(-1, layer.values.shape[1])
    return LayerCodes.of(values, levels, exact=layer.exact, edges=layer.edges, alphabet=layer.alphabet)
