import torch

from pidnet import training, zoo


def trained(decay):
    torch.manual_seed(0)
    model, x = zoo.mlp(5, (8,), 2), torch.randn(200, 5)
    return training.train(model, x, (x[:, 0] > 0).long(), epochs=10, rate=1e-2, decay=decay)


def test_decay_makes_the_weights_smaller():
    plain, decayed = (
        sum(float(p.detach().square().sum()) for p in trained(d).parameters()) for d in (0.0, 1.0)
    )
    assert decayed < 0.9 * plain
