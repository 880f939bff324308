"""What calibration data say about the units of a network: the ground on which every criterion decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from pidnet.pruning.linear_view import batches, features, input_rows, output_rows, watching, weight_matrix
from pidnet.pruning.structure import Prunable, Weighted, weighted

MAX_CLASSES = 1024


@dataclass(frozen=True, eq=False)
class Evidence:
    """A dense model in eval mode, its prunable layers and calibration data (x, y); the rest is computed when
    a criterion first asks for it."""

    model: nn.Module
    prunable: Mapping[str, Prunable]
    x: Tensor
    y: Tensor
    seed: int = 0

    @cached_property
    def consumers(self) -> list[str]:
        """Every layer that reads prunable units, once."""
        return list(dict.fromkeys(name for p in self.prunable.values() for name in p.consumers))

    @cached_property
    def covariances(self) -> dict[str, np.ndarray]:
        """Consumer -> covariance of its inputs over samples (and positions), float64 (feature, feature)."""
        moments: dict[str, tuple[Tensor, Tensor, int]] = {}

        def add(name: str, layer: Weighted, inputs: Tensor, _output: Tensor) -> None:
            rows = input_rows(layer, inputs)
            width = rows.shape[1]
            gram, total, count = moments.get(name, (rows.new_zeros(width, width), rows.new_zeros(width), 0))
            moments[name] = gram + rows.T @ rows, total + rows.sum(0), count + len(rows)

        with torch.no_grad(), watching(self.model, self.consumers, add):
            for x in batches(self.x):
                self.model(x)
        return {
            name: (gram / count - torch.outer(total, total) / count**2).numpy()
            for name, (gram, total, count) in moments.items()
        }

    @cached_property
    def fisher_factors(self) -> dict[str, np.ndarray]:
        """Consumer -> M = E[g g^T] over samples, summed over positions, float64 (output, output), nats.

        g is the gradient of log p(class | x) by the consumer's outputs; the expectation over classes drawn
        from the model is taken exactly, one backward pass a class.
        """
        sums = [self._fisher_sums(x) for x in batches(self.x)]
        return {
            name: (torch.stack([part[name] for part in sums]).sum(0) / len(self.x)).numpy()
            for name in self.consumers
        }

    def _fisher_sums(self, x: Tensor) -> dict[str, Tensor]:
        outputs: dict[str, Tensor] = {}
        sums: dict[str, Tensor] = {}

        def keep(name: str, _layer: Weighted, _inputs: Tensor, output: Tensor) -> None:
            outputs[name] = output

        with torch.enable_grad(), watching(self.model, self.consumers, keep):
            # Inputs that need a gradient give one to every layer, frozen parameters or not.
            logits = self.model(x.detach().requires_grad_(x.is_floating_point()))
            if logits.ndim != 2 or logits.shape[1] > MAX_CLASSES:
                raise ValueError(
                    f"the model puts out shape {tuple(logits.shape)}; information about the output needs "
                    f"class scores of shape (sample, class) with at most {MAX_CLASSES} classes"
                )
            log_p = logits.log_softmax(-1)
            # The square root of p(class|x) on each gradient g makes the sum of g g^T the expectation.
            share = log_p.detach().exp().sqrt()
            for label in range(logits.shape[1]):
                scalar = (share[:, label] * log_p[:, label]).sum()
                gradients = torch.autograd.grad(scalar, list(outputs.values()), retain_graph=True)
                for name, gradient in zip(outputs, gradients, strict=True):
                    rows = output_rows(weighted(self.model, name), gradient)
                    product = rows.T @ rows
                    sums[name] = sums[name] + product if name in sums else product
        return sums

    def weights(self, consumer: str) -> np.ndarray:
        """A consumer's weights as float64 (output, feature)."""
        return weight_matrix(weighted(self.model, consumer)).numpy()

    def owned(self, layer: str, consumer: str) -> np.ndarray:
        """Input features of a consumer by the unit of ``layer`` that they belong to, int (unit, feature)."""
        return features(weighted(self.model, consumer), self.prunable[layer].consumers[consumer])

    def outgoing(self, layer: str) -> list[str]:
        """The consumers of a layer's units."""
        return list(self.prunable[layer].consumers)
