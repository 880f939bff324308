"""Codes of more data than memory holds: edges from a share of the data, then batch by batch to uint8."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from pidnet.activations import record
from pidnet.arguments import check_arguments
from pidnet.codes._files import finish_store
from pidnet.codes._fitting import encode
from pidnet.codes._layer import LayerCodes
from pidnet.codes._stored import CodesStore, StoredValues
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
    store: str | Path | None = None,
) -> Codes:
    """Capture and quantize one batch at a time, with the edges of earlier codes.

    Memory grows by one byte for each unit and row, or, with a store, for the label of each row only.

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
    store : str or Path, optional
        A folder that takes the codes, as a zarr store; `Codes.load` opens it again. Needs the extra ``store``.

    Returns
    -------
    Codes
        Of all the data; ``classes`` are those that occur in it. With a store its values stay on disk, and a map in a
        store reads those of 512 units at a time.

    Raises
    ------
    ValueError
        When the layers come out otherwise than in ``codes``.
    FileExistsError
        Where the folder holds something else than a store that was cut off.
    OSError
        Where the store cannot be written.

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
    layers = {name: bytearray() for name in edges} if store is None else CodesStore(Path(store), [*edges])
    rest = {name: bytearray() for name in ("target", "sample", "predicted")}
    names = list(dict.fromkeys(name.split("[")[0] for name in edges))
    for block in record(model, data, names, reduce=reduce, draws=draws, mask=mask):
        if block.layers.keys() != edges.keys():
            raise ValueError(
                f"the codes hold the layers {', '.join(edges)}, but this data gives "
                f"{', '.join(block.layers)}; pass the same reduce= to both"
            )
        for name, values in block.layers.items():
            _add(layers, name, encode(values, edges[name].to(values.device)))
        for name, buffer in rest.items():
            value = getattr(block, name)
            if value is not None:
                buffer += (class_labels(value) if name == "target" else value.cpu()).numpy().data
    whole = {name: torch.frombuffer(buffer, dtype=torch.int64) for name, buffer in rest.items() if buffer}
    target, classes = class_index(whole.pop("target"))
    coded = {name: _recoded(codes.layers[name], _values(layers, name, codes), codes.levels) for name in edges}
    found = replace(codes, layers=coded, target=target, classes=classes, **({"predicted": None} | whole))
    if isinstance(layers, CodesStore):
        finish_store(layers, found)
    return found


# bytearrays grow in place; a list of small tensors would fragment the heap and keep the memory that the activations
# have freed.
_Rows = dict[str, bytearray] | CodesStore


def _add(layers: _Rows, name: str, values: Tensor) -> None:
    """Keep further codes of a layer."""
    if isinstance(layers, CodesStore):
        layers.add(name, values)
    else:
        layers[name] += values.numpy().data


def _values(layers: _Rows, name: str, codes: Codes) -> Tensor | StoredValues:
    """All codes of a layer that were kept, uint8 (sample, unit)."""
    if isinstance(layers, CodesStore):
        return layers.values(name, codes.levels)
    return torch.frombuffer(layers[name], dtype=torch.uint8).reshape(-1, codes.layers[name].values.shape[1])


def _recoded(layer: LayerCodes, values: Tensor | StoredValues, levels: int) -> LayerCodes:
    """A layer with other codes of the same units."""
    return LayerCodes.of(values, levels, exact=layer.exact, edges=layer.edges, alphabet=layer.alphabet)
