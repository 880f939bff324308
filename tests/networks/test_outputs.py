"""What a network says: each reading against the closed form or against torch's own distributions."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, MultivariateNormal, kl_divergence

from pidnet.networks import outputs
from pidnet.networks.outputs import OutputReading, read_output


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


N = 40
LABELS = torch.arange(N) % 3


@pytest.mark.parametrize(
    ("scores", "y", "kind"),
    [
        (drawn(N, 3), LABELS, "classes"),
        (drawn(N, 3), LABELS.double(), "classes"),
        (drawn(N, 3), LABELS + 5, "gaussian"),
        (drawn(N), LABELS % 2, "bernoulli"),
        (drawn(N, 1), (LABELS % 2).double(), "bernoulli"),
        (drawn(N, 1), LABELS, "gaussian"),
        (drawn(N, 1), drawn(N), "gaussian"),
        (drawn(N, 4), drawn(N, 4), "gaussian"),
        (drawn(N, 4), (drawn(N, 4) > 0).long(), "bernoulli"),
        (drawn(N, 3, 5, 6), torch.zeros(N, 5, 6).long(), "classes"),
        (drawn(N, 5, 3), torch.zeros(N, 5).long(), "tokens"),
        (drawn(N, 5, 3), LABELS, "gaussian"),
    ],
)
def test_the_reading_follows_from_scores_and_targets(scores, y, kind):
    assert read_output(scores, y).kind == kind


def test_where_the_class_axis_cannot_be_told_it_is_asked_for():
    scores, y = drawn(N, 5, 5), torch.zeros(N, 5).long()
    with pytest.raises(ValueError, match='say which with output="classes" or output="tokens"'):
        read_output(scores, y)
    assert read_output(scores, y, "tokens").kind == "tokens"


@pytest.mark.parametrize(("output", "shape"), [("tokens", (N, 3)), ("classes", (N, 1)), ("odd", (N, 3))])
def test_a_reading_that_does_not_fit_is_refused(output, shape):
    with pytest.raises(ValueError, match=f"output='{output}'"):
        read_output(drawn(*shape), LABELS, output)


def test_divergences_are_those_of_torch():
    p, q = drawn(N, 3), drawn(N, 3, seed=1)
    y = drawn(N, 3, seed=2)
    found = {kind: read_output(p, y, kind).divergence(p, q) for kind in ("classes", "bernoulli", "gaussian")}
    flat = p - p.mean(0)
    covariance = flat.T @ flat / N
    covariance = covariance + outputs.RIDGE * covariance.diagonal().mean() * torch.eye(3)
    expected = {
        "classes": kl_divergence(Categorical(logits=p), Categorical(logits=q)),
        "bernoulli": kl_divergence(Bernoulli(logits=p), Bernoulli(logits=q)).sum(1),
        "gaussian": kl_divergence(MultivariateNormal(p, covariance), MultivariateNormal(q, covariance)),
    }
    for kind, nats in expected.items():
        torch.testing.assert_close(found[kind], nats / math.log(2))


def fisher(reading, scores, **options):
    """Sum over directions of g g^T summed over samples, by autograd."""
    scores = scores.clone().requires_grad_()
    total = 0
    for direction in reading.directions(scores, **options):
        (g,) = torch.autograd.grad(direction, scores, retain_graph=True)
        g = g.flatten(1)
        total = total + g.T @ g
    return total


def test_the_fisher_information_is_the_curvature_of_the_divergence():
    p, y = drawn(N, 3), drawn(N, 3, seed=2)
    step = 1e-3 * drawn(3, seed=3)
    for kind in ("classes", "bernoulli", "gaussian"):
        reading = read_output(p, y, kind)
        quadratic = 0.5 * step @ fisher(reading, p) @ step / math.log(2)
        torch.testing.assert_close(quadratic, reading.divergence(p, p + step).sum(), rtol=5e-3, atol=0)


def test_one_logit_is_the_network_of_two_logits():
    s = drawn(N, 1)
    two = torch.cat([torch.zeros_like(s), s], 1)
    q = drawn(N, 1, seed=1)
    other = torch.cat([torch.zeros_like(q), q], 1)
    one, both = OutputReading("bernoulli"), OutputReading("classes")
    torch.testing.assert_close(one.divergence(s, q), both.divergence(two, other))
    torch.testing.assert_close(fisher(one, s)[0, 0], fisher(both, two)[1, 1])
    assert torch.equal(one.predicted(s), both.predicted(two))
    y = (s[:, 0] > 0).long()
    torch.testing.assert_close(one.loss(s, y), both.loss(two, y))


def test_drawn_directions_are_right_on_average():
    scores = drawn(2, 3, 2)
    reading = OutputReading("classes")
    sampled = fisher(reading, scores, draws=4000)
    flat = scores.movedim(1, -1).reshape(-1, 3)
    p = flat.softmax(-1).reshape(2, 2, 3)
    exact = torch.zeros(3, 2, 3, 2, dtype=torch.float64)
    for place in range(2):
        each = torch.diag_embed(p[:, place]) - p[:, place, :, None] * p[:, place, None]
        exact[:, place, :, place] = each.sum(0)
    torch.testing.assert_close(sampled, exact.reshape(6, 6), rtol=0, atol=0.06)


def test_many_scores_are_drawn_under_signs(monkeypatch):
    scores = drawn(2, 3)
    each = fisher(OutputReading("bernoulli"), scores)
    monkeypatch.setattr(outputs, "MOST_DIRECTIONS", 2)
    torch.testing.assert_close(
        fisher(OutputReading("bernoulli"), scores, draws=4000), each, rtol=0, atol=0.03
    )
