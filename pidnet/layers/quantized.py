"""Units with few values: a binarized one has two, a fake-quantized one 2^bits. Gradients go straight through.

Both also serve as weights: ``torch.nn.utils.parametrize.register_parametrization(layer, "weight", Sign())``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pidnet.arguments import check_arguments
from pidnet.channels import Discrete


class Sign(nn.Module):
    """Binary units: t = 1 where h >= 0, else -1; the gradient is that of clamp(h, -1, 1).

    Notes
    -----
    Source: Hubara et al., Binarized neural networks, 2016.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.layers.Sign()(torch.tensor([-0.5, 0.0, 2.0]))
    tensor([-1.,  1.,  1.])
    """

    def forward(self, h: Tensor) -> Tensor:
        """Take the signs; the gradient passes where a value is between -1 and 1.

        Parameters
        ----------
        h : Tensor
            Values of the units, any shape.

        Returns
        -------
        Tensor
            Signs, -1 or 1, of the same shape.
        """
        hard = torch.where(h >= 0, 1.0, -1.0)
        soft = h.clamp(-1, 1)
        return hard + (soft - soft.detach())

    def channel(self, h: Tensor) -> Discrete:
        """The code of each unit given its clean value: its sign, without noise.

        Parameters
        ----------
        h : Tensor
            Clean values, (sample, unit); further axes are flattened.

        Returns
        -------
        Discrete
            A code for each unit, without noise.

        Raises
        ------
        ValueError
            For values that are not finite.
        """
        return Discrete((h >= 0).to(h))


class FakeQuantize(nn.Module):
    """Rounded units: t = scale * round(h / scale), clipped; the gradient is 1 inside the range.

    Parameters
    ----------
    bits : int
        2 to 8: a unit takes 2^bits - 1 values, symmetric about 0.

    Raises
    ------
    ValueError
        For another number of bits.

    Notes
    -----
    The scale, limit / (2^(bits - 1) - 1), follows the largest absolute value of h seen in training mode and
    stays fixed in eval mode.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.layers.FakeQuantize(2)(torch.tensor([-1.0, -0.2, 0.6, 1.0])).tolist()
    [-1.0, 0.0, 1.0, 1.0]
    """

    limit: Tensor

    def __init__(self, bits: int = 8) -> None:
        super().__init__()
        check_arguments(FakeQuantize.__init__, locals())
        if not 2 <= bits <= 8:
            raise ValueError(f"bits={bits}; expected 2 to 8 (use Sign for one bit)")
        self.bits = bits
        self.register_buffer("limit", torch.zeros(()))

    def forward(self, h: Tensor) -> Tensor:
        """Round values; in training mode, widen the range to them first.

        Parameters
        ----------
        h : Tensor
            Values of the units, any shape.

        Returns
        -------
        Tensor
            Rounded values, of the same shape.

        Raises
        ------
        RuntimeError
            In eval mode without any training.
        """
        if self.training:
            self.limit = torch.maximum(self.limit, h.detach().abs().max())
        soft = h.clamp(-self.limit, self.limit)
        hard = self._steps(h) * self._scale(h)
        return hard.detach() + (soft - soft.detach())

    def channel(self, h: Tensor) -> Discrete:
        """The code of each unit given its clean value: its step in the range, without noise.

        Parameters
        ----------
        h : Tensor
            Clean values, (sample, unit); further axes are flattened.

        Returns
        -------
        Discrete
            The whole number of each unit, round(h / scale), without noise.

        Raises
        ------
        ValueError
            For values that are not finite.
        RuntimeError
            Before any training.
        """
        return Discrete(self._steps(h))

    def _steps(self, h: Tensor) -> Tensor:
        return (h.clamp(-self.limit, self.limit) / self._scale(h)).round()

    def _scale(self, h: Tensor) -> Tensor:
        if not (self.training or self.limit):
            raise RuntimeError("FakeQuantize has no range yet; run it on data in training mode first")
        return (self.limit / (2 ** (self.bits - 1) - 1)).clamp(min=torch.finfo(h.dtype).tiny)
