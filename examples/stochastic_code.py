"""
Does compression mean clustering?
=================================

A stochastic code at four values of beta. To see: with less information about the input the sampled code clusters worse,
and the mean code of the same networks better, as long as training succeeds.
"""

import torch

import pidnet as pn

digits = pn.datasets.load("digits")
x, y = digits.x_train, digits.y_train
for beta in (1000.0, 100.0, 30.0, 10.0):
    torch.manual_seed(0)
    net = pn.zoo.bottlenecked(pn.zoo.mlp(64, (48, 48), 10), latent=8, decoder=(32,))
    loss = pn.training.bottleneck_loss(beta)
    pn.training.train(net, x, y, epochs=15, batch=128, rate=5e-3, loss=loss)
    with torch.no_grad():
        code, test = net.encode(x), net.encode(digits.x_test)
        right = [
            (net.decoder(z).argmax(1) == digits.y_test).double().mean() for z in (test.sample(), test.mean)
        ]
    bracket = pn.channel_information(net.bottleneck.channel(net.features(x)), y)["I(X;T|Y)"]
    bound = pn.estimators.variational_bounds(code, y, net.bottleneck.backward_encoder())["I(X;T|Y)"]
    sampled, mean = pn.neural_collapse(code.sample(), y), pn.neural_collapse(code.mean, y)
    print(f"beta {beta:g}: {bracket}; the bound that was trained {bound.value:.1f}")
    print(f"  CDNV sampled {sampled.cdnv:.3f}, mean code {mean.cdnv:.3f}")
    print(f"  test accuracy sampled {right[0]:.3f}, mean code {right[1]:.3f}")
print(sampled)
sampled.plot().savefig("stochastic_code.png")
