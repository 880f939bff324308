"""What calibration data say about the units of a network: the ground on which every criterion decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from pidnet.activations import Activations
from pidnet.pruning.linear_view import (
    POSITIONS,
    batches,
    features,
    input_rows,
    output_rows,
    watching,
    weight_matrix,
)
from pidnet.pruning.structure import Prunable, Weighted, weighted
from pidnet.pruning.tracing import scores

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
    def activations(self) -> Activations:
        """Every prunable layer's units on all samples, means over positions, with the labels."""
        layers = {
            name: torch.cat([self.feature_maps(name, x).mean(2) for x in batches(self.x)]).float()
            for name in self.prunable
        }
        return Activations(layers, self.y, dict.fromkeys(layers, "mean over positions"))

    def feature_maps(self, layer: str, x: Tensor) -> Tensor:
        """What the units put out, as the first layer that reads them gets it, float64 (sample, unit, position)."""
        name = self.outgoing(layer)[0]
        columns = torch.as_tensor(self.prunable[layer].consumers[name])
        seen: list[Tensor] = []

        def see(_name: str, consumer: Weighted, inputs: Tensor, _output: Tensor) -> None:
            images = not isinstance(consumer, nn.Linear)
            channels = inputs.flatten(2) if images else inputs.reshape(len(x), -1, inputs.shape[-1]).mT
            seen.append(channels[:, columns].flatten(2).double())

        with torch.no_grad(), watching(self.model, [name], see):
            self.model(x)
        return torch.cat(seen, 2)

    def covariance(self, consumer: str) -> np.ndarray:
        """Covariance of a consumer's inputs over samples (and positions), float64 (feature, feature)."""
        if consumer not in self._covariances:
            self._covariances[consumer] = self._covariance(consumer)
        return self._covariances[consumer]

    @cached_property
    def _covariances(self) -> dict[str, np.ndarray]:
        return {}

    def _covariance(self, consumer: str) -> np.ndarray:
        width = self.weights(consumer).shape[1]
        gram = torch.zeros(width, width, dtype=torch.float64)
        total, count = torch.zeros(width, dtype=torch.float64), 0

        def add(_name: str, layer: Weighted, inputs: Tensor, _output: Tensor) -> None:
            nonlocal count
            rows = input_rows(layer, inputs, POSITIONS)
            gram.add_(rows.T @ rows)
            total.add_(rows.sum(0))
            count += len(rows)

        with torch.no_grad(), watching(self.model, [consumer], add):
            for x in batches(self.x):
                self.model(x)
        return (gram / count - torch.outer(total, total) / count**2).numpy()

    def fisher(self, consumer: str, temperature: float = 1.0) -> np.ndarray:
        """M = T^2 E[g g^T] over samples, summed over positions, float64 (output, output), nats.

        g is the gradient of log p(class | x) by the consumer's outputs, with p = softmax(scores / T); the
        expectation over classes drawn from p is taken exactly, one backward pass a class. The higher T, the
        more the target is the scores themselves: then samples that the model is sure of count as well.
        """
        key = consumer, temperature
        if key not in self._fisher:
            total = np.zeros((len(self.weights(consumer)),) * 2)
            for x in batches(self.x):
                total += self._fisher_sum(consumer, x, temperature).numpy()
            self._fisher[key] = total / len(self.x)
        return self._fisher[key]

    @cached_property
    def _fisher(self) -> dict[tuple[str, float], np.ndarray]:
        return {}

    def _fisher_sum(self, consumer: str, x: Tensor, temperature: float) -> Tensor:
        layer = weighted(self.model, consumer)
        # A layer that runs at every step of a sequence has as many outputs.
        outputs: list[Tensor] = []
        with (
            torch.enable_grad(),
            watching(self.model, [consumer], lambda _name, _layer, _inputs, output: outputs.append(output)),
        ):
            # Inputs that need a gradient give one to every layer, frozen parameters or not.
            logits = scores(self.model, x.detach().requires_grad_(x.is_floating_point()))
            _check_scores(logits)
            log_p = (logits / temperature).log_softmax(-1)
            # The square root of p(class|x) on each gradient g makes the sum of g g^T the expectation.
            share = temperature * log_p.detach().exp().sqrt()
            total = torch.zeros(())
            for label in range(logits.shape[1]):
                scalar = (share[:, label] * log_p[:, label]).sum()
                for gradient in torch.autograd.grad(
                    scalar, outputs, retain_graph=True, materialize_grads=True
                ):
                    rows = output_rows(layer, gradient)
                    total = total + rows.T @ rows
        return total

    def weights(self, consumer: str) -> np.ndarray:
        """A consumer's weights as float64 (output, feature)."""
        return weight_matrix(weighted(self.model, consumer)).numpy()

    def owned(self, layer: str, consumer: str) -> np.ndarray:
        """Input features of a consumer by the unit of ``layer`` that they belong to, int (unit, feature)."""
        return features(weighted(self.model, consumer), self.prunable[layer].consumers[consumer])

    def outgoing(self, layer: str) -> list[str]:
        """The consumers of a layer's units."""
        return list(self.prunable[layer].consumers)


def _check_scores(logits: Tensor) -> None:
    if logits.ndim != 2 or logits.shape[1] > MAX_CLASSES:
        raise ValueError(
            f"the model puts out shape {tuple(logits.shape)}; information about the output needs "
            f"class scores of shape (sample, class) with at most {MAX_CLASSES} classes"
        )
