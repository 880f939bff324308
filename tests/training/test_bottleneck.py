"""Bottleneck losses written out, their parametrizations, and what training with them does."""

import math
from functools import partial

import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import cross_entropy

import pidnet as pn
from pidnet import training


def parts(samples=7, latent=3, classes=4, seed=0):
    """Encoder, codes, backward encoder, scores and labels."""
    torch.manual_seed(seed)
    encoder = Normal(torch.randn(samples, latent), torch.rand(samples, latent) + 0.1)
    backward = Normal(torch.randn(classes, latent), torch.rand(classes, latent) + 0.1)
    return encoder, encoder.sample(), backward, torch.randn(samples, classes), torch.arange(samples) % classes


def rate_and_ce():
    encoder, z, backward, logits, y = parts()
    own = Normal(backward.mean[y], backward.stddev[y])
    return (encoder.log_prob(z) - own.log_prob(z)).sum(1).mean(), cross_entropy(logits, y)


@pytest.mark.parametrize(
    ("form", "beta", "wanted"),
    [
        ("ib", 5.0, lambda rate, ce: (rate + 4 * ce) / 5),
        ("gamma", 4.0, lambda rate, ce: rate + 4 * ce),
        ("ceb", 0.25, lambda rate, ce: 0.25 * rate + ce),
        ("rho", math.log(4), lambda rate, ce: 0.25 * rate + ce),
    ],
)
def test_ceb_written_out(form, beta, wanted):
    torch.testing.assert_close(training.ceb_loss(*parts(), beta, form=form), wanted(*rate_and_ce()))


def test_vib_written_out():
    encoder, _, prior, logits, y = parts()
    ce, standard = cross_entropy(logits, y), Normal(torch.zeros(1), torch.ones(1))
    rate = kl_divergence(encoder, standard).sum(1).mean()
    torch.testing.assert_close(training.vib_loss(encoder, logits, y, 0.1), ce + 0.1 * rate)
    torch.testing.assert_close(training.vib_loss(encoder, logits, y, 10.0, form="ib"), ce + 0.1 * rate)
    own = Normal(prior.mean[0], prior.stddev[0])
    rate = kl_divergence(encoder, own).sum(1).mean()
    torch.testing.assert_close(training.vib_loss(encoder, logits, y, 0.1, prior=own), ce + 0.1 * rate)


def test_several_draws_are_their_mean():
    encoder, _, backward, _, y = parts()
    z = encoder.sample((5,))
    logits = torch.randn(5, len(y), 4)
    each = [training.ceb_loss(encoder, z[k], backward, logits[k], y, 10.0) for k in range(5)]
    torch.testing.assert_close(
        training.ceb_loss(encoder, z, backward, logits, y, 10.0), torch.stack(each).mean()
    )


def test_a_full_covariance_can_stand_for_b():
    encoder, z, backward, logits, y = parts()
    full = torch.distributions.MultivariateNormal(backward.mean, backward.stddev.square().diag_embed())
    a, b = (training.ceb_loss(encoder, z, part, logits, y, 10.0) for part in (backward, full))
    torch.testing.assert_close(a, b)


@pytest.mark.parametrize("to", training.BETA_FORMS)
@pytest.mark.parametrize("form", training.BETA_FORMS)
def test_forms_convert_into_each_other(form, to):
    beta = training.convert_beta(7.0, "ib", form)
    assert training.convert_beta(training.convert_beta(beta, form, to), to, "ib") == pytest.approx(7.0)


def test_forms_mean_what_they_say():
    assert training.convert_beta(7.0, "ib", "vib") == pytest.approx(1 / 7)
    assert training.convert_beta(7.0, "ib", "ceb") == pytest.approx(1 / 6)
    assert training.convert_beta(0.0, "rho", "gamma") == 1.0  # minimum necessary information


def test_bad_betas_labels_and_forms_are_refused():
    with pytest.raises(ValueError, match=r"beta=1\.0 of the form 'ib'"):
        training.ceb_loss(*parts(), 1.0)
    with pytest.raises(ValueError, match="unknown form 'alpha'"):
        training.bottleneck_loss(3.0, form="alpha")
    with pytest.raises(ValueError, match="use vib_loss"):
        training.ceb_loss(*parts(), 0.1, form="vib")
    with pytest.raises(ValueError, match='expected "vib" or "ib"'):
        training.vib_loss(*(parts()[k] for k in (0, 3, 4)), 0.1, form="ceb")
    with pytest.raises(ValueError, match="beta=-1; expected a positive number"):
        training.vib_loss(*(parts()[k] for k in (0, 3, 4)), -1)
    encoder, z, backward, logits, y = parts()
    with pytest.raises(ValueError, match="labels from 1 to 4; the backward encoder has 4 classes"):
        training.ceb_loss(encoder, z, backward, logits, y + 1, 10.0)


def test_a_smaller_beta_keeps_less_of_the_input(digits):
    found = {}
    x, y = digits.x_train[:600], digits.y_train[:600]
    for beta in (3.0, 300.0):
        torch.manual_seed(0)
        net = pn.zoo.bottlenecked(pn.zoo.mlp(64, (48,), 10), latent=4, decoder=())
        loss = training.bottleneck_loss(beta)
        training.train(net, x, y, epochs=8, rate=1e-2, loss=loss)
        with torch.no_grad():
            channel = net.bottleneck.channel(net.features(x))
        found[beta] = pn.channel_information(channel, y)["I(X;T|Y)"]
        if beta > 100:
            assert training.accuracy(net, digits.x_test, digits.y_test) > 0.7
    assert found[3.0].surely_below(found[300.0])


def test_training_takes_another_loss_and_another_batch(digits):
    seen = []

    def loss(model, x, y):
        seen.append(len(x))
        return training.bottleneck_loss(0.1, form="vib")(model, x, y)

    net = pn.zoo.bottlenecked(pn.zoo.mlp(64, (8,), 10), latent=2)
    list(
        training.train_epochs(net, digits.x_train[:100], digits.y_train[:100], epochs=2, batch=60, loss=loss)
    )
    assert seen == [60, 40, 60, 40]


def test_the_penalty_is_the_cdnv_and_pulls_classes_together():
    torch.manual_seed(0)
    h, y = torch.randn(60, 4, requires_grad=True), torch.arange(60) % 3
    penalty = training.cdnv_penalty(h, y)
    assert penalty.item() == pytest.approx(pn.neural_collapse(h.detach(), y).cdnv, rel=1e-4)
    penalty.backward()
    with torch.no_grad():
        assert pn.neural_collapse(h - 0.1 * h.grad / h.grad.norm(), y).cdnv < pn.neural_collapse(h, y).cdnv
    alone = partial(training.cdnv_penalty, torch.randn(3, 4, requires_grad=True))
    assert alone(torch.arange(3)).item() == 0.0
    assert training.cdnv_penalty(h[:8], y[:8] * 0).item() == 0.0
