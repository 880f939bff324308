"""Means and products of what a consumer gets, kept up while the network changes, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

MEMORY = 0.93
RIDGE = 1e-3


class Moments:
    """Running moments of rows. Where the consumer has a bias they are taken about the mean, as when a fold may shift it."""

    def __init__(self, *, centered: bool) -> None:
        self.centered, self.count = centered, 0
        self.mean: Tensor
        self.second: Tensor

    @torch.no_grad()
    def add(self, rows: Tensor) -> None:
        """Take rows (row, feature) in."""
        mean, second = rows.mean(0), (rows.T @ rows / len(rows)).double()
        self.count += 1
        if self.count == 1:
            self.mean, self.second = mean, second
            return
        share = max(1 - MEMORY, 1 / self.count)
        self.mean = self.mean.lerp(mean, share)
        self.second = self.second.lerp(second, share)

    def covariance(self) -> Tensor:
        """float64 (feature, feature)."""
        if not self.centered:
            return self.second
        mean = self.mean.double()
        return self.second - torch.outer(mean, mean)

    def deviations(self, rows: Tensor) -> Tensor:
        """The rows about their mean, or as they are."""
        return rows - self.mean if self.centered else rows


@dataclass(frozen=True, eq=False)
class Cut:
    """The features of a consumer that go and those that stay, int64, the regression of the former on the latter (kept, gone),
    and the mean square of the whole message."""

    gone: Tensor
    kept: Tensor
    shares: Tensor
    total: float

    @staticmethod
    def of(covariance: Tensor, total: float, gone: Tensor) -> Cut:
        """The regression by the covariance, with a ridge."""
        stays = torch.ones(len(covariance), dtype=torch.bool, device=covariance.device)
        stays[gone] = False
        kept = stays.nonzero()[:, 0]
        inner = covariance[kept][:, kept]
        inner = inner + ridge(inner)
        shares = torch.linalg.solve(inner, covariance[kept][:, gone])
        return Cut(gone, kept, shares, total)

    def unsaid(self, rows: Tensor, matrix: Tensor) -> Tensor:
        """The share of the message in these rows that the kept features cannot say, with gradients by both."""
        error = rows[:, self.gone] - rows[:, self.kept] @ self.shares.to(rows.dtype)
        return (error @ matrix[:, self.gone].T).square().sum() / (len(rows) * self.total)

    def unsaid_by(self, covariance: Tensor, matrix: Tensor) -> float:
        """The same share on all rows behind a covariance."""
        left = matrix.detach().double()[:, self.gone]
        across = covariance[self.gone][:, self.kept] @ self.shares
        said = self.shares.T @ covariance[self.kept][:, self.kept] @ self.shares
        error = covariance[self.gone][:, self.gone] - across - across.T + said
        return float(((left @ error) * left).sum() / self.total)

    def macs(self, rows: int, outputs: int) -> int:
        """Of ``unsaid`` forward and backward: the regression and its gradient by the rows, the message and its gradients
        by rows and weights."""
        return rows * len(self.gone) * (2 * len(self.kept) + 3 * outputs)


def message_size(covariance: Tensor, matrix: Tensor) -> float:
    """The mean square of what a consumer makes of its inputs, tr(W C W^T)."""
    weight = matrix.detach().double()
    return max(float(((weight @ covariance) * weight).sum()), torch.finfo(torch.float32).tiny)


def ridge(covariance: Tensor) -> Tensor:
    """``RIDGE`` times the mean variance on the diagonal: running moments are of few samples."""
    size = RIDGE * covariance.diagonal().mean() + torch.finfo(torch.float64).tiny
    return size * torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
