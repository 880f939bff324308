"""How the information of pairs is made up, epoch by epoch over training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from pidnet.activations import capture
from pidnet.codes import quantize
from pidnet.maps import LayerMap, layer_maps
from pidnet.maps.profiles import Profile, profile
from pidnet.networks.batches import Data, check_data
from pidnet.networks.naming import Layers
from pidnet.optional import optional_module
from pidnet.printing import Printed, counted

if TYPE_CHECKING:
    import pandas


class Recorder(Printed):
    """Profiles of a network while it trains.

    In a plain loop call it after an epoch: ``recorder(model, epoch)``. For Lightning, write
    ``class Callback(Recorder, lightning.Callback): ...``; Lightning then calls ``on_train_epoch_end``.

    Parameters
    ----------
    data : (x, y), list of such batches, or DataLoader
        What the units are recorded on, as for ``capture``.
    layers : sequence of str or Module, optional
        Names of the layers, or the modules themselves; all by default.
    every : int
        Record each so many epochs.
    levels : int
        Levels of the codes, of equal mass.
    maps : callable
        Codes -> layer maps, for a measure or correction of your own, such as
        ``partial(layer_maps, measure="i_min")``.
    what : callable, optional
        Something else to record: a function of (model, data, layers=...) whose result has ``to_pandas``, such as
        ``information_plane`` or ``partial(information_plane, held_out=...)``. Profiles are not made then.

    Attributes
    ----------
    steps : list of int
        The epochs that were recorded.
    profiles : list of Profile
        The profile at each of them.
    snapshots : list
        What ``what`` gave at each of them.

    Raises
    ------
    TypeError, ValueError
        For ``every`` below 1, or what cannot be data.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randn(100, 4, generator=torch.Generator().manual_seed(0))
    >>> y = (x[:, 0] > 0).long()
    >>> net, recorder = pn.zoo.mlp(4, (3,), 2), pn.Recorder((x, y), ["fc1"])
    >>> for epoch in pn.training.train_epochs(net, x, y, epochs=2):
    ...     stop = recorder(net, epoch)
    >>> recorder
    Recorder: 2 epochs recorded, the last is 2
    """

    def __init__(
        self,
        data: Data,
        layers: Layers = None,
        *,
        every: int = 1,
        levels: int = 4,
        maps: Callable[..., Mapping[str, LayerMap]] = layer_maps,
        what: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"every={every}; expected at least 1")
        check_data(data)
        self.data, self.layers = data, layers
        self.every, self.levels, self.maps, self.what = every, levels, maps, what
        self.steps: list[int] = []
        self.profiles: list[Profile] = []
        self.snapshots: list[Any] = []

    def _lines(self) -> list[str]:
        seen = f", the last is {self.steps[-1]}" if self.steps else ""
        return [f"{type(self).__name__}: {counted(len(self.steps), 'epoch')} recorded{seen}"]

    def __call__(self, model: nn.Module, step: int) -> bool:
        """Record the model as it is now, when ``step`` is a multiple of ``every``.

        Parameters
        ----------
        model : nn.Module
            The network.
        step : int
            Epochs done.

        Returns
        -------
        bool
            Whether to stop; a recorder never says so, a ``Stopper`` may.
        """
        if step % self.every:
            return False
        if self.what is not None:
            self.snapshots.append(self.what(model, self.data, layers=self.layers))
        else:
            acts = capture(model, self.data, self.layers)
            self.profiles.append(profile(self.maps(quantize(acts, self.levels))))
        self.steps.append(step)
        return False

    def on_train_epoch_end(self, trainer: Any, pl_module: nn.Module) -> None:
        """Record after an epoch, as Lightning asks for it.

        Parameters
        ----------
        trainer : lightning.Trainer
            Carries the epoch.
        pl_module : nn.Module
            The network.
        """
        self(pl_module, trainer.current_epoch + 1)

    def to_pandas(self) -> pandas.DataFrame:
        """The rows of all steps, as ``to_pandas`` of what was recorded gives them."""
        pandas = optional_module("pandas")
        recorded = self.profiles if self.what is None else self.snapshots
        tables = [
            found.to_pandas().assign(step=step) for step, found in zip(self.steps, recorded, strict=True)
        ]
        return pandas.concat(tables, ignore_index=True)
