"""
A Hugging Face model
====================

A small BERT, trained here on a made-up task; needs pip install pidnet[transformers]. The label is the kind of
the first word of a sentence; mappings of tensors go in as tokenizers give them. To see: layer by layer, up to
the pooler, where three quarters of what a pair carries is redundant.
"""

import torch
from transformers import BertConfig, BertForSequenceClassification

import pidnet as pn

torch.manual_seed(0)
config = BertConfig(
    vocab_size=40,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=24,
    num_labels=3,
)
network = BertForSequenceClassification(config)
words = torch.randint(1, 40, (600, 8))
there = (torch.arange(8) < torch.randint(2, 9, (600, 1))).long()
inputs, kind = {"input_ids": words * there, "attention_mask": there}, words[:, 0] % 3

optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
for _ in range(60):
    optimizer.zero_grad()
    loss = network(**inputs, labels=kind).loss
    loss.backward()
    optimizer.step()
print(f"loss after training: {loss.item():.3f}; {kind.bincount().tolist()} sentences of each kind")

layers = [f"bert.encoder.layer.{depth}.{part}" for depth in (0, 1) for part in ("attention.self", "output")]
acts = pn.capture(network, (inputs, kind), [*layers, "bert.pooler"])
for layer, values in acts.layers.items():
    print(f"{layer}: {values.shape[1]} units, {acts.reduction[layer]}")
profile = pn.profile(pn.layer_maps(pn.quantize(acts), measure="i_min"))
print(profile)
profile.plot().savefig("hugging_face.png")
