"""Networks to count."""

import torch
from torch import nn


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(8, 64)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), 2)
        self.head = nn.Linear(64, 10)

    def forward(self, x, padding=None):
        return self.head(self.encoder(self.embed(x), src_key_padding_mask=padding).mean(1))


class Function(nn.Module):
    """A module whose forward is a function of itself and the inputs."""

    def __init__(self, forward, **parameters):
        super().__init__()
        self.function = forward
        for name, value in parameters.items():
            setattr(self, name, nn.Parameter(value) if isinstance(value, torch.Tensor) else value)

    def forward(self, *args, **kwargs):
        return self.function(self, *args, **kwargs)


def mlp(width, middle=True):
    middle = [nn.Linear(width, width), nn.ReLU()] if middle else [nn.Identity(), nn.Identity()]
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), *middle, nn.Linear(width, 10))


EXAMPLE = torch.zeros(2, 64)
