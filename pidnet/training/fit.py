"""Plain supervised training, enough for the reference networks."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from tqdm import tqdm

from pidnet.layers import kl_divergence
from pidnet.networks.inputs import Inputs
from pidnet.networks.running import scores


def train(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    epochs: int = 30,
    rate: float = 1e-3,
    decay: float = 0.0,
    seed: int = 0,
) -> nn.Module:
    """Train as ``train_epochs`` does, to the end; returns the model in eval mode."""
    for _ in train_epochs(model, x, y, epochs=epochs, rate=rate, decay=decay, seed=seed):
        pass
    return model.eval()


def train_epochs(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    epochs: int = 30,
    rate: float = 1e-3,
    decay: float = 0.0,
    seed: int = 0,
) -> Iterator[int]:
    """Minimize the cross-entropy of ``model`` in place with AdamW, batches of 64, a one-cycle rate. With
    Gaussian weights their KL divergence a sample is added (the evidence bound).

    x: inputs (sample, ...). y: labels (sample,). rate: the largest learning rate. decay: of the weights, a
    step and unit of rate; 0 is Adam. Yields the number of epochs done after each, so that the caller can look
    at the model. The order of the batches follows ``seed``, not the global random state.
    """
    generator = torch.Generator().manual_seed(seed)
    batches = (len(x) + 63) // 64
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * batches)
    for epoch in tqdm(range(epochs), desc="training", delay=1, disable=None, leave=False):
        model.train()
        for batch in torch.randperm(len(x), generator=generator).split(64):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            (loss + kl_divergence(model) / len(x)).backward()
            optimizer.step()
            schedule.step()
        yield epoch + 1


@torch.no_grad()
def accuracy(model: nn.Module, x: Inputs, y: Tensor) -> float:
    """Share of samples whose largest output is at the label, in [0, 1]."""
    return float((scores(model, x).argmax(-1) == y).double().mean())
