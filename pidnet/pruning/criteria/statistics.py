"""What data reveal about the units of a network: the ground on which every criterion decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn

from pidnet.activations import Activations
from pidnet.networks.inputs import Inputs, samples, split
from pidnet.networks.kinds import Weighted
from pidnet.networks.linear_map import features, weight_matrix
from pidnet.printing import Printed, listed
from pidnet.pruning.criteria._gathering import fisher_factors, input_moments
from pidnet.pruning.criteria.sketching import Sketch, sketched
from pidnet.pruning.structure.network import CuttableNetwork

# Where outputs are drawn, about so many gradients in all: w^T M w then has a standard error of some 6 % for any w.
GRADIENTS = 512


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
    sketches
        Consumer of very many features -> the parts that stand in for them in its covariance and mean.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> _ = torch.manual_seed(0)
    >>> statistics = pn.pruning.gather(pn.zoo.mlp(4, (6,), 3), (torch.randn(50, 4), torch.arange(50) % 3))
    >>> statistics
    CalibrationStatistics of 50 samples: fc1 (6 units)
    >>> statistics.covariance("head").shape
    (6, 6)
    """

    network: CuttableNetwork
    x: Inputs
    y: Tensor
    seed: int = 0
    sketches: dict[str, Sketch] = field(default_factory=dict, init=False)
    _moments: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, init=False)
    _fishers: dict[tuple[str, float], np.ndarray] = field(default_factory=dict, init=False)

    def of(self, network: CuttableNetwork) -> CalibrationStatistics:
        """The same data on another network.

        Parameters
        ----------
        network : CuttableNetwork
            Such as the one that is left after a cut.

        Returns
        -------
        CalibrationStatistics
            With nothing computed yet.
        """
        return CalibrationStatistics(network, self.x, self.y, self.seed)

    @property
    def layers(self) -> list[str]:
        """The layers whose units can be removed."""
        return list(self.network.groups)

    def width(self, layer: str) -> int:
        """How many units a layer has.

        Parameters
        ----------
        layer : str
            A layer that can be pruned.

        Returns
        -------
        int
            Its width.
        """
        return self.network.groups[layer].units

    @cached_property
    def activations(self) -> Activations:
        """Every prunable layer's units on all samples, means over positions, with the labels, on the CPU."""
        layers = {
            name: torch.cat([self.feature_maps(name, x).mean(2).cpu() for x in split(self.x)]).float()
            for name in self.layers
        }
        return Activations(layers, self.y.cpu(), dict.fromkeys(layers, "mean over positions"))

    def one_layer(self, layer: str) -> Activations:
        """The units of one layer on all samples.

        Parameters
        ----------
        layer : str
            A layer that can be pruned.

        Returns
        -------
        Activations
            Of this layer alone.
        """
        whole = self.activations
        return Activations({layer: whole.layers[layer]}, whole.target, {layer: whole.reduction[layer]})

    def feature_maps(self, layer: str, x: Inputs) -> Tensor:
        """The outputs of the units, as the first layer that reads them gets it.

        Parameters
        ----------
        layer : str
            A layer that can be pruned.
        x : Tensor, tuple or mapping
            Inputs.

        Returns
        -------
        Tensor
            float64 (sample, unit, position).
        """
        name = self.consumers(layer)[0]
        seen: list[Tensor] = []

        def see(_name: str, consumer: Weighted, inputs: Tensor, _output: Tensor) -> None:
            images = not isinstance(consumer, nn.Linear)
            channels = inputs.flatten(2) if images else inputs.reshape(samples(x), -1, inputs.shape[-1]).mT
            seen.append(channels[:, self.network.groups[layer].consumers[name]].flatten(2).double())

        self.network.watch([name], x, see, samples(x))
        return torch.cat(seen, 2)

    def covariance(self, consumer: str) -> np.ndarray:
        """Covariance of a consumer's inputs over samples and positions.

        Parameters
        ----------
        consumer : str
            A layer that reads units.

        Returns
        -------
        ndarray
            float64 (feature, feature); of more than 8,192 features in parts, see ``pidnet.pruning.criteria.sketching``.

        Raises
        ------
        ValueError
            For very many features that no sketch can be made of.
        """
        self.prefetch([consumer])
        return self._moments[consumer][0]

    def mean(self, consumer: str) -> np.ndarray:
        """Mean of a consumer's inputs over samples and positions.

        Parameters
        ----------
        consumer : str
            A layer that reads units.

        Returns
        -------
        ndarray
            float64 (feature,).
        """
        self.prefetch([consumer])
        return self._moments[consumer][1]

    def fisher(self, consumer: str, temperature: float = 1.0) -> np.ndarray:
        """Fisher information of the output about the output of a consumer, M = T^2 E[g g^T], nats.

        Parameters
        ----------
        consumer : str
            A layer that reads units.
        temperature : float
            T, of the softmax.

        Returns
        -------
        ndarray
            float64 (output, output), a mean over samples, summed over positions.

        Notes
        -----
        g is the gradient of log p(output | x) by the consumer's outputs, with p as the network's output is read
        (``pidnet.networks.outputs``), for classes softmax(scores / T); the expectation is over outputs drawn from
        p. The higher T, the more the target is the scores themselves: then samples that the model is sure of
        count as well.
        """
        self.prefetch([consumer], temperature)
        return self._fishers[consumer, self.network.reading.heat(temperature)]

    def prefetch(self, consumers: Iterable[str] | None = None, *temperatures: float | None) -> None:
        """Gather what several consumers need in one pass over the samples; what is known is not gathered again.

        Parameters
        ----------
        consumers : iterable of str, optional
            Layers that read units; None for all.
        *temperatures : float, optional
            With them their Fisher factors too.
        """
        consumers = list(self.network.consumers(self.layers) if consumers is None else consumers)
        if new := [name for name in consumers if name not in self._moments]:
            found = {name: sketched(self.network, self.x, name) for name in new}
            self.sketches.update({name: sketch for name, sketch in found.items() if sketch})
            self._moments.update(input_moments(self.network, self.x, new, self.sketches))
        wanted = product(consumers, (self.network.reading.heat(t) for t in temperatures if t is not None))
        if unknown := [key for key in wanted if key not in self._fishers]:
            names, heats = (list(dict.fromkeys(column)) for column in zip(*unknown, strict=True))
            draws = max(1, round(GRADIENTS / len(self.y)))
            self._fishers.update(fisher_factors(self.network, self.x, names, heats, self.seed, draws))

    def weights(self, consumer: str) -> np.ndarray:
        """A consumer's weights as one matrix.

        Parameters
        ----------
        consumer : str
            A layer that reads units.

        Returns
        -------
        ndarray
            float64 (output, feature).
        """
        return weight_matrix(self.network.weighted(consumer)).cpu().numpy()

    def owned(self, layer: str, consumer: str) -> np.ndarray:
        """Input features of a consumer by the unit that they belong to.

        Parameters
        ----------
        layer : str
            A layer that can be pruned.
        consumer : str
            A layer that reads units.

        Returns
        -------
        ndarray
            int (unit, feature).
        """
        return features(self.network.weighted(consumer), self.network.groups[layer].consumers[consumer])

    def link(self, layer: str, consumer: str) -> tuple[np.ndarray, np.ndarray]:
        """How a consumer reads a layer, in the features that ``covariance`` is of: the parts of a sketch where there is one.

        Parameters
        ----------
        layer : str
            A layer that can be pruned.
        consumer : str
            A layer that reads units.

        Returns
        -------
        tuple of ndarray
            The consumer's weights, float64 (output, feature), and the features of each unit, int (unit, feature).
        """
        self.prefetch([consumer])
        weight, sketch = self.weights(consumer), self.sketches.get(consumer)
        return (sketch.weights(weight), sketch.parts) if sketch else (weight, self.owned(layer, consumer))

    def consumers(self, layer: str) -> list[str]:
        """The layers that read a layer's units.

        Parameters
        ----------
        layer : str
            A layer that can be pruned.

        Returns
        -------
        list of str
            In the order in which tracing saw them.
        """
        return list(self.network.groups[layer].consumers)

    def _lines(self) -> list[str]:
        widths = listed([f"{name} ({width} units)" for name, width in self.network.widths.items()])
        return [f"CalibrationStatistics of {len(self.y)} samples: {widths}"]
