"""What data reveal about the units of a network: the ground on which every criterion decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from pidnet.activations import Activations
from pidnet.networks.hooks import record_calls
from pidnet.networks.inputs import Inputs, mapped, samples, split
from pidnet.networks.kinds import Weighted
from pidnet.networks.linear_map import POSITIONS, features, input_rows, output_rows, weight_matrix
from pidnet.networks.running import run
from pidnet.printing import Printed, listed
from pidnet.pruning.structure.network import CuttableNetwork

# Covariances of more input features than this would take more than 2 GB.
MOST_FEATURES = 16_384


@dataclass(eq=False, repr=False)
class CalibrationStatistics(Printed):
    """What data reveal about the units of a network; each figure is computed when a criterion first asks for it.

    Attributes
    ----------
    network
        The expanded network in eval mode, with the groups of units that can be removed.
    x, y
        Inputs and labels.
    seed
        Of the criteria that draw.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> from pidnet.pruning import gather
    >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
    <torch._C.Generator object at ...>
    >>> statistics = gather(pn.zoo.mlp(4, (6,), 3), (torch.randn(50, 4), torch.arange(50) % 3))
    >>> statistics
    CalibrationStatistics of 50 samples: fc1 (6 units)
    >>> statistics.covariance("head").shape
    (6, 6)
    """

    network: CuttableNetwork
    x: Inputs
    y: Tensor
    seed: int = 0
    _covariances: dict[str, np.ndarray] = field(default_factory=dict, init=False)
    _fishers: dict[tuple[str, float], np.ndarray] = field(default_factory=dict, init=False)

    def of(self, network: CuttableNetwork) -> CalibrationStatistics:
        """The same data on another network."""
        return CalibrationStatistics(network, self.x, self.y, self.seed)

    @property
    def layers(self) -> list[str]:
        """The layers whose units can be removed."""
        return list(self.network.groups)

    def width(self, layer: str) -> int:
        """How many units a layer has."""
        return self.network.groups[layer].units

    @cached_property
    def activations(self) -> Activations:
        """Every prunable layer's units on all samples, means over positions, with the labels."""
        layers = {
            name: torch.cat([self.feature_maps(name, x).mean(2) for x in split(self.x)]).float()
            for name in self.layers
        }
        return Activations(layers, self.y, dict.fromkeys(layers, "mean over positions"))

    def one_layer(self, layer: str) -> Activations:
        """The units of one layer on all samples."""
        whole = self.activations
        return Activations({layer: whole.layers[layer]}, whole.target, {layer: whole.reduction[layer]})

    def feature_maps(self, layer: str, x: Inputs) -> Tensor:
        """What the units put out, as the first layer that reads them gets it, float64 (sample, unit, position)."""
        name = self.consumers(layer)[0]
        columns = torch.as_tensor(self.network.groups[layer].consumers[name])
        seen: list[Tensor] = []

        def see(_name: str, consumer: Weighted, inputs: Tensor, _output: Tensor) -> None:
            images = not isinstance(consumer, nn.Linear)
            channels = inputs.flatten(2) if images else inputs.reshape(samples(x), -1, inputs.shape[-1]).mT
            seen.append(channels[:, columns].flatten(2).double())

        with torch.no_grad(), record_calls(self.network.model, [name], see):
            run(self.network.model, x)
        return torch.cat(seen, 2)

    def covariance(self, consumer: str) -> np.ndarray:
        """Covariance of a consumer's inputs over samples (and positions), float64 (feature, feature)."""
        self.prefetch([consumer])
        return self._covariances[consumer]

    def fisher(self, consumer: str, temperature: float = 1.0) -> np.ndarray:
        """M = T^2 E[g g^T] over samples, summed over positions, float64 (output, output), nats.

        g is the gradient of log p(output | x) by the consumer's outputs, with p as the network's output is read
        (``pidnet.networks.outputs``), for classes softmax(scores / T); the expectation is over outputs drawn from
        p. The higher T, the more the target is the scores themselves: then samples that the model is sure of
        count as well.
        """
        self.prefetch([consumer], temperature)
        return self._fishers[consumer, temperature]

    def prefetch(self, consumers: Iterable[str], temperature: float | None = None) -> None:
        """Gather the covariances of several consumers in one pass over the samples, and with a temperature their
        Fisher factors in another one; what is known already is not gathered again."""
        consumers = list(consumers)
        for name in consumers:
            self._check_features(name)
        if new := [name for name in consumers if name not in self._covariances]:
            self._covariances.update(self._input_covariances(new))
        unknown = [name for name in consumers if (name, temperature) not in self._fishers]
        if temperature is not None and unknown:
            sums = [self._fisher_sums(unknown, x, temperature) for x in split(self.x)]
            for name, *parts in zip(unknown, *sums, strict=True):
                self._fishers[name, temperature] = torch.stack(parts).sum(0).cpu().numpy() / len(self.y)

    def _input_covariances(self, consumers: list[str]) -> dict[str, np.ndarray]:
        sums: dict[str, tuple[Tensor, Tensor, int]] = {}

        def add(name: str, layer: Weighted, inputs: Tensor, _output: Tensor) -> None:
            rows = input_rows(layer, inputs, POSITIONS)
            gram, total, count = sums.get(name, (0, 0, 0))
            sums[name] = gram + rows.T @ rows, total + rows.sum(0), count + len(rows)

        with torch.no_grad(), record_calls(self.network.model, consumers, add):
            for x in split(self.x):
                run(self.network.model, x)
        return {
            name: (gram / count - torch.outer(total, total) / count**2).cpu().numpy()
            for name, (gram, total, count) in sums.items()
        }

    def _fisher_sums(self, consumers: list[str], x: Inputs, temperature: float) -> list[Tensor]:
        # A layer that runs at every step of a sequence has as many outputs.
        outputs: dict[str, list[Tensor]] = {name: [] for name in consumers}

        def see(name: str, _layer: Weighted, _inputs: Tensor, output: Tensor) -> None:
            outputs[name].append(output)

        with torch.enable_grad(), record_calls(self.network.model, consumers, see):
            # Inputs that need a gradient give one to every layer, frozen parameters or not.
            scores = self.network.run(mapped(with_gradient, x))
            every = [(name, output) for name in consumers for output in outputs[name]]
            totals = {name: torch.zeros((), dtype=torch.float64) for name in consumers}
            for direction in self.network.reading.directions(scores, temperature, self.seed):
                gradients = torch.autograd.grad(
                    direction,
                    [output for _, output in every],
                    retain_graph=True,
                    materialize_grads=True,
                )
                for (name, _), gradient in zip(every, gradients, strict=True):
                    rows = output_rows(self.network.weighted(name), gradient)
                    totals[name] = totals[name] + rows.T @ rows
        return list(totals.values())

    def features(self, consumer: str) -> int:
        """How many input features a consumer has.

        Parameters
        ----------
        consumer : str
            The layer.

        Returns
        -------
        int
            Input units, of a convolution times the size of its kernel.
        """
        return self.network.weighted(consumer).weight[0].numel()

    def _check_features(self, consumer: str) -> None:
        if (features := self.features(consumer)) > MOST_FEATURES:
            raise ValueError(
                f"layer {consumer!r} reads {features:,} features, whose covariance would take "
                f"{8e-9 * features**2:,.0f} GB; take a criterion that needs none, such as l1, l2 or random, with the "
                'repair "none", or leave the layer before it out by layers='
            )

    def weights(self, consumer: str) -> np.ndarray:
        """A consumer's weights as float64 (output, feature)."""
        return weight_matrix(self.network.weighted(consumer)).cpu().numpy()

    def owned(self, layer: str, consumer: str) -> np.ndarray:
        """Input features of a consumer by the unit of ``layer`` that they belong to, int (unit, feature)."""
        return features(self.network.weighted(consumer), self.network.groups[layer].consumers[consumer])

    def consumers(self, layer: str) -> list[str]:
        """The layers that read a layer's units."""
        return list(self.network.groups[layer].consumers)

    def _lines(self) -> list[str]:
        widths = [f"{name} ({width} units)" for name, width in self.network.widths.items()]
        return [f"CalibrationStatistics of {len(self.y)} samples: {listed(widths)}"]


def with_gradient(x: Tensor) -> Tensor:
    """A copy that needs a gradient where it can have one: then every layer gets one, frozen parameters or not."""
    return x.detach().requires_grad_(x.is_floating_point())
