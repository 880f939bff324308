"""A Hugging Face BERT with random weights: nothing special is needed. Needs pip install pidnet[transformers]."""

import torch
from transformers import BertConfig, BertForSequenceClassification

import pidnet as pn

torch.manual_seed(0)
config = BertConfig(
    vocab_size=100,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=24,
    num_labels=3,
)
words = torch.randint(1, 100, (300, 10))
there = (torch.arange(10) < torch.randint(2, 11, (300, 1))).long()
inputs = {"input_ids": words * there, "attention_mask": there}

acts = pn.capture(BertForSequenceClassification(config), (inputs, words[:, 0] % 3))
for layer, values in acts.layers.items():
    print(f"{layer}: {tuple(values.shape)}, {acts.reduction[layer]}")
codes = pn.with_target(pn.quantize(acts), "predicted")
print(pn.profile(pn.layer_maps(codes, measure="i_min")))
