"""Codes of more data than memory holds: edges from a calibration share, then batch by batch to uint8."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from pidnet.activations import Batches, record
from pidnet.activations.batches import Inputs
from pidnet.quantization import Codes, class_labels, encode, levels_in_use


def capture_codes(
    model: nn.Module,
    loader: Batches | tuple[Inputs, Tensor],
    calibration: Codes,
    *,
    reduce: Mapping[str, str] | None = None,
    draws: int = 1,
    mask: Callable[[Inputs], Tensor] | None = None,
) -> Codes:
    """Capture and quantize one batch at a time, with the edges of earlier codes; memory grows by one byte
    for each unit and row.

    calibration: codes of a share of the data, ``quantize(capture(model, share), levels)``; their layers are
    captured, with their edges; which units are ``exact`` is taken from it. reduce, draws, mask: as in ``capture``, and as they were for the calibration.
    Raises ValueError when the layers come out otherwise than in the calibration.
    """
    layers: dict[str, list[Tensor]] = {name: [] for name in calibration.edges}
    rest: dict[str, list[Tensor]] = {"target": [], "sample": [], "predicted": []}
    names = list(dict.fromkeys(name.split("[")[0] for name in layers))
    for block in record(model, loader, names, reduce=reduce, draws=draws, mask=mask):
        if block.layers.keys() != layers.keys():
            raise ValueError(
                f"the calibration has the layers {', '.join(layers)}, but this data gives "
                f"{', '.join(block.layers)}; pass the same reduce= to both"
            )
        for name, values in block.layers.items():
            layers[name].append(encode(values, calibration.edges[name]))
        for name, parts in rest.items():
            parts += [value for value in [getattr(block, name)] if value is not None]
    coded = {name: torch.cat(parts) for name, parts in layers.items()}
    target = class_labels(torch.cat(rest.pop("target")))
    return replace(
        calibration,
        layers=coded,
        target=target,
        classes=max(calibration.classes, int(target.max()) + 1),
        **levels_in_use(coded, calibration.levels, calibration.exact),
        **{name: torch.cat(parts) if parts else None for name, parts in rest.items()},
    )
