"""Plain supervised training, enough for the reference networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from tqdm import tqdm

from pidnet.layers import kl_divergence


def train(
    model: nn.Module, x: Tensor, y: Tensor, *, epochs: int = 30, rate: float = 1e-3, seed: int = 0
) -> nn.Module:
    """Minimize the cross-entropy of ``model`` in place with Adam, batches of 64, a one-cycle rate. With
    Gaussian weights their KL divergence a sample is added (the evidence bound).

    x: inputs (sample, ...). y: labels (sample,). rate: the largest learning rate. Returns the model in
    eval mode. The order of the batches follows ``seed``, not the global random state.
    """
    generator = torch.Generator().manual_seed(seed)
    batches = (len(x) + 63) // 64
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * batches)
    model.train()
    for _ in tqdm(range(epochs), desc="training", delay=1, disable=None, leave=False):
        for batch in torch.randperm(len(x), generator=generator).split(64):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            (loss + kl_divergence(model) / len(x)).backward()
            optimizer.step()
            schedule.step()
    return model.eval()


@torch.no_grad()
def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of samples whose largest output is at the label, in [0, 1]."""
    return float((model(x).argmax(-1) == y).double().mean())
