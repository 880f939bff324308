"""Units with few values: a binarized one has two, a fake-quantized one 2^bits. Gradients go straight through.

Both also serve as weights: ``torch.nn.utils.parametrize.register_parametrization(layer, "weight", Sign())``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Sign(nn.Module):
    """t = 1 where h >= 0, else -1; the gradient is that of clamp(h, -1, 1).

    Source: Hubara et al., Binarized neural networks, 2016.
    """

    def forward(self, h: Tensor) -> Tensor:
        hard = torch.where(h >= 0, 1.0, -1.0)
        soft = h.clamp(-1, 1)
        return hard + (soft - soft.detach())


class FakeQuantize(nn.Module):
    """t = scale * round(h / scale), clipped to ``bits`` bits; the gradient is 1 inside the range.

    The scale, limit / (2^(bits - 1) - 1), follows the largest |h| seen in training mode and stays fixed in
    eval mode. Values: 2^bits - 1, symmetric about 0. Raises RuntimeError in eval mode without any training.
    """

    limit: Tensor

    def __init__(self, bits: int = 8) -> None:
        super().__init__()
        if not 2 <= bits <= 8:
            raise ValueError(f"bits={bits}; expected 2 to 8 (use Sign for one bit)")
        self.bits = bits
        self.register_buffer("limit", torch.zeros(()))

    def forward(self, h: Tensor) -> Tensor:
        if self.training:
            self.limit = torch.maximum(self.limit, h.detach().abs().max())
        elif not self.limit:
            raise RuntimeError("FakeQuantize has no range yet; run it on data in training mode first")
        steps = 2 ** (self.bits - 1) - 1
        scale = (self.limit / steps).clamp(min=torch.finfo(h.dtype).tiny)
        soft = h.clamp(-self.limit, self.limit)
        hard = (soft / scale).round() * scale
        return hard.detach() + (soft - soft.detach())
