"""Codes of more data than memory holds: edges from a calibration share, then batch by batch to uint8."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from pidnet.activations import record
from pidnet.codes.quantizing import Codes, class_labels, encode, levels_in_use
from pidnet.networks.batches import Data
from pidnet.networks.inputs import Inputs


def capture_codes(
    model: nn.Module,
    data: Data,
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
    # Buffers that grow where they lie: what is kept batch by batch would hold the memory between it, which the
    # activations had.
    layers = {name: bytearray() for name in calibration.edges}
    rest = {name: bytearray() for name in ("target", "sample", "predicted")}
    names = list(dict.fromkeys(name.split("[")[0] for name in layers))
    for block in record(model, data, names, reduce=reduce, draws=draws, mask=mask):
        if block.layers.keys() != layers.keys():
            raise ValueError(
                f"the calibration has the layers {', '.join(layers)}, but this data gives "
                f"{', '.join(block.layers)}; pass the same reduce= to both"
            )
        for name, values in block.layers.items():
            layers[name] += encode(values, calibration.edges[name]).numpy().data
        for name, buffer in rest.items():
            value = getattr(block, name)
            if value is not None:
                buffer += (class_labels(value) if name == "target" else value).numpy().data
    coded = {
        name: torch.frombuffer(buffer, dtype=torch.uint8).reshape(-1, len(calibration.edges[name]))
        for name, buffer in layers.items()
    }
    whole = {name: torch.frombuffer(buffer, dtype=torch.int64) for name, buffer in rest.items() if buffer}
    return replace(
        calibration,
        layers=coded,
        classes=max(calibration.classes, int(whole["target"].max()) + 1),
        **levels_in_use(coded, calibration.levels, calibration.exact),
        **({"predicted": None} | whole),
    )
