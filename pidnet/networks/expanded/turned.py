"""Conv1D, as GPT-2 and its relatives in Hugging Face's transformers use it: a linear layer, its weights turned."""

from __future__ import annotations

import torch
from torch import nn

from pidnet.networks.expanded._unset import unset


class ExpandedConv1D(nn.Linear):
    """A Conv1D as the linear layer that it is."""

    kind: type[nn.Module]

    @staticmethod
    @torch.no_grad()
    def of(module: nn.Module) -> ExpandedConv1D:
        """The expanded form of a Conv1D."""
        weight, bias = module.get_parameter("weight"), module.get_parameter("bias")
        new = unset(ExpandedConv1D, weight, *weight.shape)
        new.kind = type(module)
        new.weight.copy_(weight.T)
        new.bias.copy_(bias)
        return new.requires_grad_(weight.requires_grad)

    @torch.no_grad()
    def collapsed(self) -> nn.Module:
        """The Conv1D with these weights."""
        with torch.device("meta"):
            module = self.kind(self.out_features, self.in_features)
        module.weight = nn.Parameter(self.weight.T.contiguous(), self.weight.requires_grad)
        module.bias = nn.Parameter(self.bias.detach().clone(), self.bias.requires_grad)
        return module


def is_conv1d(module: nn.Module) -> bool:
    """Whether a module is Hugging Face's Conv1D; their package need not be there."""
    kind = type(module)
    return (kind.__module__, kind.__name__) == ("transformers.pytorch_utils", "Conv1D")
