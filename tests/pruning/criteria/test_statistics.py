import numpy as np
import pytest
import torch
from torch import nn

from pidnet.networks.outputs import RIDGE
from pidnet.pruning.plans.planning import gather


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 4)).eval()
    return model, torch.randn(600, 8)


def statistics(model, x):
    return gather(model, (x, torch.zeros(len(x), dtype=torch.int64)))


def test_a_high_temperature_asks_for_the_scores_themselves(net):
    model, x = net
    # The softmax of 4 classes at infinite temperature: every class 1/4, whatever the sample.
    expected = (np.eye(4) - 0.25) / 4
    np.testing.assert_allclose(statistics(model, x).fisher("2", 1e4), expected, atol=1e-4)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_factor_at_a_temperature(net, temperature):
    model, x = net
    p = (model(x) / temperature).softmax(-1).detach().double()
    expected = torch.diag(p.mean(0)) - p.T @ p / len(p)
    np.testing.assert_allclose(statistics(model, x).fisher("2", temperature), expected, atol=1e-6)


def test_covariances_are_those_of_all_batches(net):
    model, x = net
    hidden = model[:2](x).detach().double().numpy()
    np.testing.assert_allclose(statistics(model, x).covariance("2"), np.cov(hidden.T, ddof=0), atol=1e-7)


def test_activations_are_means_over_positions(net):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Conv2d(3, 2, 2), nn.Flatten(), nn.Linear(18, 2))
    x = torch.randn(20, 1, 6, 6)
    values = statistics(model, x).activations.layers["0"]
    torch.testing.assert_close(values, model[:2](x).mean((2, 3)).detach(), atol=1e-6, rtol=1e-5)


def test_scores_of_another_shape_carry_information_too():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 4), nn.Unflatten(1, (2, 2))).eval()
    x = torch.randn(10, 4)
    gathered = statistics(model, x)
    assert gathered.network.reading.kind == "gaussian"
    with torch.no_grad():
        covariance = model(x).flatten(1).double().T.cov(correction=0)
    ridged = covariance + RIDGE * covariance.diagonal().mean() * torch.eye(4)
    np.testing.assert_allclose(gathered.fisher("2"), ridged.inverse().numpy(), rtol=1e-3)


def test_a_sequence_read_at_one_step_leaves_other_steps_without_a_gradient():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.wide, self.head = nn.Linear(3, 4), nn.Linear(4, 5), nn.Linear(5, 2)

        def forward(self, x):
            return self.head([self.wide(self.fc(step).relu()).relu() for step in x.unbind(1)][-1])

    torch.manual_seed(0)
    x = torch.randn(30, 6, 3)
    gathered = statistics(Last().eval(), x)
    assert np.isfinite(gathered.fisher("wide")).all()
    assert gathered.fisher("wide").trace() > 0


def test_several_consumers_are_looked_at_in_one_pass_each_for_covariances_and_factors():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3)).eval()
    x = torch.randn(16, 5)
    single, together = statistics(model, x), statistics(model, x)
    runs = []
    together.network.model.register_forward_hook(lambda _model, inputs, _output: runs.append(len(inputs[0])))
    together.prefetch(["2", "4"], 3.0)
    assert runs == [16, 1, 16]  # the one shows how many samples' gradients fit
    for name in ("2", "4"):
        np.testing.assert_array_equal(together.covariance(name), single.covariance(name))
        np.testing.assert_allclose(together.fisher(name, 3.0), single.fisher(name, 3.0), rtol=1e-12)
    assert runs == [16, 1, 16]  # the one shows how many samples' gradients fit


@torch.no_grad()
def test_a_unit_that_never_changes_has_no_variance():
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)).eval()
    model[0].weight[:3] = 0
    model[0].bias[:3] = torch.tensor([0.0, 0.1, 1000.3])
    x = torch.randn(300, 3, generator=torch.Generator().manual_seed(0))
    covariance = gather(model, (x, torch.arange(300) % 2)).covariance("2")
    assert (covariance[:3] == 0).all()
    assert (covariance.diagonal()[3:] > 0).all()


@pytest.mark.parametrize("places", [False, True])
def test_temperatures_together_give_the_same_factors(places):
    torch.manual_seed(0)
    layers = [nn.Conv1d(2, 5, 3), nn.Tanh(), nn.Conv1d(5, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(12, 3)]
    model = nn.Sequential(*(layers[:4] if places else layers)).eval()
    x = torch.randn(90, 2, 7)
    y = torch.zeros(90, 4) if places else torch.zeros(90)
    together, alone = (gather(model, (x, y.long())) for _ in range(2))
    together.prefetch(["2"], 1.0, None, 100.0)
    for heat in (1.0, 100.0):
        np.testing.assert_allclose(together.fisher("2", heat), alone.fisher("2", heat), rtol=1e-4, atol=1e-6)
