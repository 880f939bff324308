"""One small network of every family that can be cut, with inputs."""

import pytest
import torch
from torch import nn

from pidnet import zoo


class Depthwise(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide = nn.Conv2d(1, 8, 3, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.norm = nn.BatchNorm2d(8)
        self.point = nn.Conv2d(8, 6, 1)
        self.head = nn.Linear(6 * 16, 3)

    def forward(self, x):
        x = self.norm(self.depthwise(self.wide(x))).relu()
        return self.head(self.point(x).relu().flatten(1))


class Encoder(nn.Module):
    """torch's encoder, with the batch first or the step first inside."""

    def __init__(self, batch_first=True, norm_first=True):
        super().__init__()
        self.batch_first = batch_first
        self.embed = nn.Linear(4, 16)
        layer = nn.TransformerEncoderLayer(16, 4, 24, batch_first=batch_first, norm_first=norm_first)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        x = self.embed(x)
        x = self.encoder(x if self.batch_first else x.transpose(0, 1))
        return self.head(x.mean(1 if self.batch_first else 0))


def bert():
    from transformers import BertConfig, BertForSequenceClassification

    return BertForSequenceClassification(
        BertConfig(
            vocab_size=50,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=48,
            max_position_embeddings=20,
            num_labels=3,
        )
    )


def vit():
    from transformers import ViTConfig, ViTForImageClassification

    return ViTForImageClassification(
        ViTConfig(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=48,
            image_size=16,
            patch_size=8,
            num_channels=1,
            num_labels=3,
        )
    )


def gpt2():
    from transformers import GPT2Config, GPT2ForSequenceClassification

    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 20}
    return GPT2ForSequenceClassification(
        GPT2Config(vocab_size=50, num_labels=3, pad_token_id=49, bos_token_id=0, eos_token_id=0, **sizes)
    )


class Cells(nn.Module):
    """Steps that the network takes itself."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.LSTMCell(5, 6), nn.GRUCell(6, 8, bias=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        states = [None, None]
        for step in x.unbind(1):
            states[0] = self.first(step, states[0])
            states[1] = self.second(states[0][0], states[1])
        return self.head(states[1])


FAMILIES = {
    "mlp": (lambda: zoo.mlp(6, (8, 9), 3), (6,)),
    "conv": (lambda: zoo.conv(1, (6, 8), 3), (1, 8, 8)),
    "conv1d": (lambda: zoo.conv(1, (6, 8), 3, dims=1), (1, 20)),
    "lenet": (lambda: zoo.lenet((1, 12, 12), 3), (1, 12, 12)),
    "depthwise": (Depthwise, (1, 4, 4)),
    "resnet": (lambda: zoo.resnet(8, 1, 3, width=6), (1, 8, 8)),
    "densenet": (lambda: zoo.densenet(1, 3, growth=4, blocks=(2, 2)), (1, 8, 8)),
    "lstm": (lambda: zoo.lstm(5, 6, 3, layers=2, bidirectional=True), (7, 5)),
    "gru": (lambda: zoo.gru(5, 6, 3, layers=2), (7, 5)),
    "rnn": (lambda: zoo.rnn(5, 6, 3, bidirectional=True), (7, 5)),
    "padded lstm": (lambda: zoo.lstm(5, 6, 3), "codes"),
    "transformer": (lambda: zoo.transformer(4, (12, 12), 3, width=16), (6, 4)),
    "encoder": (Encoder, (6, 4)),
    "encoder, step first": (lambda: Encoder(batch_first=False, norm_first=False), (6, 4)),
    "bert": (bert, "tokens"),
    "vit": (vit, (1, 16, 16)),
    "gpt2": (gpt2, "tokens"),
    "cells": (Cells, (7, 5)),
}


def make(family, samples=40):
    """A seeded network in eval mode with calibration data."""
    if family in ("bert", "vit", "gpt2"):
        pytest.importorskip("transformers")
    torch.manual_seed(0)
    build, shape = FAMILIES[family]
    model = build().eval()
    if shape == "codes":
        x = torch.randint(1, 5, (samples, 7))
        x[::3, 5:] = 0
    elif shape == "tokens":
        x = torch.randint(0, 50, (samples, 9))
    else:
        x = torch.randn(samples, *shape)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model, (x, torch.randint(0, 3, (samples,)))
