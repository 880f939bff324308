"""The guard of a penalty that costs more than the network learns."""

import copy
import warnings

import torch

import pidnet as pn
from pidnet.training import Foldable


def test_the_guard_warns_of_a_training_that_learns_less_than_it_pays():
    torch.manual_seed(0)
    start, x = pn.zoo.mlp(4, (16,), 4), torch.randn(64, 4)
    y = (x[:, 0] > 0) + 2 * (x[:, 1] > 0)
    for weight, warned in ((0.1, False), (1000.0, True)):
        net = copy.deepcopy(start)
        with Foldable(net, weight=weight) as penalty, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pn.training.train(net, x, y, epochs=30, rate=1e-2, batch=16, penalty=penalty)
        sentences = [str(one.message) for one in caught]
        assert len(sentences) == warned
        assert all("that the penalty takes; lower weight=1000" in sentence for sentence in sentences)
        assert (pn.training.accuracy(net, x, y) < 0.8) == warned
