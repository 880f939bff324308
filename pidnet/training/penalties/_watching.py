"""What passes through a network while it is trained, by hooks on its own modules."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pidnet.networks.inputs import first_sample, mapped, samples
from pidnet.networks.naming import Layers, layer_names
from pidnet.networks.running import class_scores
from pidnet.networks.unwrapping import unwrapped
from pidnet.pruning.structure.discovery import cuttable
from pidnet.pruning.structure.groups import UnitGroup
from pidnet.training.penalties._consumers import Consumer, Read, find_consumer


class Watch:
    """The latest forward pass of a model: its output and what the consumers of units got.

    Passes without gradients are not looked at. Which units can be cut is found at the first one, on a copy.
    groups: layer -> its units. consumers: name -> the layer. owned: (layer, consumer) -> int (unit, feature).
    left_out: layer -> why nothing is asked of it. samples: how many have passed, in all.
    """

    def __init__(self, model: nn.Module, layers: Layers) -> None:
        self.model, self.layers = unwrapped(model), layer_names(model, layers)
        self.groups: dict[str, UnitGroup] = {}
        self.consumers: dict[str, Consumer] = {}
        self.owned: dict[tuple[str, str], np.ndarray] = {}
        self.left_out: dict[str, str] = {}
        self.samples, self.example, self.inputs = 0, None, ((), {})
        self.output: Any = None
        self.read: dict[str, Read] = {}
        self._looking = True
        # Functions and not methods: a copy of the model shares them, and does not copy what has been seen.
        self._handles = [
            self.model.register_forward_pre_hook(lambda *call: self._enter(*call), with_kwargs=True),
            self.model.register_forward_hook(lambda *call: self._leave(*call)),
        ]

    @property
    def open(self) -> bool:
        """Whether the hooks are there."""
        return bool(self._handles)

    def scores(self) -> Tensor:
        """The scores of the latest pass. Raises RuntimeError where there was none since the last time."""
        if self.output is None:
            state = "after a forward pass" if self.open else "before it is closed"
            raise RuntimeError(
                f"the penalty is asked without a forward pass; ask {state} of the model that has gradients"
            )
        return class_scores(self.output)

    def matrix(self, name: str) -> Tensor:
        """The weights of a consumer with their gradient, (output, feature)."""
        return self.consumers[name].matrix

    @contextmanager
    def paused(self) -> Generator[None]:
        """Passes inside this block are not looked at."""
        self._looking = False
        try:
            yield
        finally:
            self._looking = True

    def forget(self) -> None:
        """The pass has been used."""
        self.output, self.inputs, self.read = None, ((), {}), {}

    def close(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self.forget()

    def _enter(self, module: nn.Module, arguments: tuple, keywords: dict) -> None:
        if module is not self.model or not self._looking or not torch.is_grad_enabled():
            return
        self.forget()
        if not self.consumers:
            try:
                self._discover(arguments, keywords)
            except BaseException:
                self.close()  # the network goes on without the penalty
                raise
        self.inputs = arguments, keywords
        self.samples += samples(keywords or arguments)

    def _leave(self, module: nn.Module, _arguments: tuple, output: Any) -> None:
        if module is self.model and self._looking and torch.is_grad_enabled():
            self.output = output

    def _discover(self, arguments: tuple, keywords: dict) -> None:
        """Find the units and their consumers, and hook these."""
        given = keywords or (arguments[0] if len(arguments) == 1 else arguments)
        with self.paused():
            network = cuttable(self.model, mapped(Tensor.detach, given), self.layers)
        self.example = mapped(Tensor.detach, first_sample(given))
        self.left_out = dict(network.refused)
        for name, group in network.groups.items():
            self._add(name, group)
        if not self.groups:
            reasons = "; ".join(f"{name!r}: {reason}" for name, reason in self.left_out.items())
            raise ValueError(
                f"no layer of {type(self.model).__name__} shows its units in training ({reasons})"
            )
        for name, consumer in self.consumers.items():
            self._handles.append(consumer.module.register_forward_hook(self._hook(name, consumer)))

    def _add(self, name: str, group: UnitGroup) -> None:
        consumers = {}
        for layer in group.consumers:
            consumer = self.consumers.get(layer) or find_consumer(self.model, layer)
            if consumer is None:
                self.left_out[name] = f"what {layer!r} reads does not show in training"
                return
            consumers[layer] = consumer
        self.groups[name] = group
        self.consumers |= consumers
        for layer, columns in group.consumers.items():
            self.owned[name, layer] = consumers[layer].owned(columns)

    def _hook(self, name: str, consumer: Consumer) -> Any:
        def see(module: nn.Module, inputs: tuple, output: Any) -> None:
            if module is consumer.module and self._looking and torch.is_grad_enabled():
                self.read[name] = consumer.see(inputs, output)

        return see
