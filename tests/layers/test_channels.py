"""Each channel against the distribution it promises, in eval mode, and its gradient."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import register_parametrization

from pidnet import layers

N = 40_000


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_gaussian_noise_has_the_information_of_its_channel():
    h = torch.randn(N)
    t = layers.GaussianNoise(0.5).eval()(h)
    correlation = torch.corrcoef(torch.stack([h, t]))[0, 1]
    assert float(-0.5 * torch.log2(1 - correlation**2)) == pytest.approx(0.5 * 2.321928, abs=0.02)


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_binary_dropout_erases_its_rate_and_keeps_the_mean(rate):
    t = layers.BinaryDropout(rate).eval()(torch.ones(N, 2))
    assert float((t == 0).double().mean()) == pytest.approx(rate, abs=0.01)
    assert float(t.mean()) == pytest.approx(1, abs=0.02)
    assert float(((t[:, 0] == 0) & (t[:, 1] == 0)).double().mean()) == pytest.approx(rate**2, abs=0.01)


def test_gaussian_dropout_has_the_moments_of_binary_dropout():
    t = layers.GaussianDropout(0.2).eval()(torch.full((N,), 3.0))
    assert float(t.mean()) == pytest.approx(3, abs=0.03)
    assert float(t.var()) == pytest.approx(9 * 0.25, rel=0.03)


def test_sign_has_two_values_and_a_gradient_inside_its_range():
    h = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0], requires_grad=True)
    t = layers.Sign()(h)
    assert t.tolist() == [-1, -1, 1, 1, 1]
    t.sum().backward()
    assert h.grad.tolist() == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("bits", [4, 8])
def test_fake_quantization_is_that_of_torch_and_fixed_in_eval_mode(bits):
    channel, h = layers.FakeQuantize(bits), torch.randn(1000, requires_grad=True)
    t = channel(h)
    top = 2 ** (bits - 1) - 1
    scale = float(h.detach().abs().max()) / top
    expected = torch.fake_quantize_per_tensor_affine(h.detach(), scale, 0, -top, top)
    torch.testing.assert_close(t.detach(), expected)
    assert len(t.unique()) <= 2**bits - 1
    t.sum().backward()
    assert (h.grad == 1).all()
    channel.eval()
    assert float(channel(100 * h.detach()).abs().max()) == pytest.approx(float(h.detach().abs().max()))
    with pytest.raises(RuntimeError, match="no range yet"):
        layers.FakeQuantize(4).eval()(h)


LAYERS = {
    "linear": (layers.BayesianLinear(3, 2, std=0.2), torch.randn(3)),
    "conv1d": (layers.BayesianConv1d(2, 2, 3, padding=1, std=0.2), torch.randn(2, 4)),
    "conv2d": (layers.BayesianConv2d(2, 2, 3, stride=2, bias=False, std=0.2), torch.randn(2, 5, 5)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_bayesian_layers_put_out_what_random_weights_would(name):
    layer, x = LAYERS[name]
    many = x.expand(10_000, *x.shape)
    t = layer.eval()(many).detach()
    with torch.no_grad():
        parent = next(kind for kind in type(layer).__mro__ if kind.__module__.startswith("torch."))
        mean = parent.forward(layer, x[None])[0]
        weights = layer.weight.clone()
        layer.weight.copy_(torch.full_like(weights, 0.2) ** 2)
        variance = parent.forward(layer, x[None] ** 2)[0]
        if layer.bias is not None:
            variance -= layer.bias.reshape(-1, *[1] * (variance.ndim - 1))
        layer.weight.copy_(weights)
    torch.testing.assert_close(t.mean(0), mean, atol=0.05, rtol=0.05)
    torch.testing.assert_close(t.var(0), variance, atol=0.02, rtol=0.06)


def test_kl_is_that_of_torch_distributions():
    net = nn.Sequential(layers.BayesianLinear(3, 2, std=0.1), layers.BayesianConv1d(1, 2, 2, std=0.4))
    cell = nn.GRUCell(2, 3)
    register_parametrization(cell, "weight_hh", layers.MeanField(cell.weight_hh, std=0.2))
    net.append(cell)
    expected = sum(
        torch.distributions.kl_divergence(
            torch.distributions.Normal(mean, std), torch.distributions.Normal(0.0, 0.3)
        ).sum()
        for mean, std in (
            (net[0].weight, 0.1),
            (net[1].weight, 0.4),
            (cell.parametrizations.weight_hh.original, 0.2),
        )
    )
    torch.testing.assert_close(layers.kl_divergence(net), expected)
    assert float(layers.kl_divergence(nn.Linear(2, 2))) == 0


CELLS = {nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell, nn.RNN: nn.RNNCell}


@pytest.mark.parametrize("kind", CELLS)
def test_scans_without_a_channel_are_torchs_own_recurrence(kind):
    torchs = kind(3, 4, num_layers=2, bidirectional=True, batch_first=True)
    ours = layers.Recurrent(CELLS[kind], nn.Identity, (3, 4), layers=2, bidirectional=True)
    for number, scan in enumerate(ours.scans):
        suffix = f"_l{number // 2}" + "_reverse" * (number % 2)
        for name, parameter in scan.cell.named_parameters():
            parameter.data = getattr(torchs, name + suffix).data
    x = torch.randn(5, 6, 3)
    output, state = torchs(x)
    found, last = ours(x)
    torch.testing.assert_close(found, output)
    torch.testing.assert_close(last, state[0] if kind is nn.LSTM else state)


@pytest.mark.parametrize("kind", CELLS)
def test_scans_hold_their_state_over_padding(kind):
    net = layers.Recurrent(CELLS[kind], layers.Sign, (3, 4), layers=2, bidirectional=True)
    x, mask = torch.randn(2, 6, 3), torch.ones(2, 6, dtype=torch.bool)
    mask[0, 4:] = False
    torch.testing.assert_close(net(x, mask)[1][:, :1], net(x[:1, :4])[1])


def test_a_bayesian_cell_draws_its_weights_once_a_sequence():
    cell = nn.RNNCell(1, 1, bias=False)
    register_parametrization(cell, "weight_ih", layers.MeanField(cell.weight_ih, std=1.0))
    cell.weight_hh.data.zero_()
    steps = layers.Scan(cell, nn.Identity())(torch.ones(1, 5, 1))
    assert len(steps.unique()) == 1
    assert not torch.equal(steps, layers.Scan(cell, nn.Identity())(torch.ones(1, 5, 1)))


def test_bad_settings_are_refused():
    for build in (
        lambda: layers.GaussianNoise(0),
        lambda: layers.BinaryDropout(1),
        lambda: layers.GaussianDropout(-0.1),
        lambda: layers.FakeQuantize(1),
        lambda: layers.BayesianLinear(2, 2, std=0),
    ):
        with pytest.raises(ValueError, match="expected"):
            build()


@pytest.mark.parametrize(
    "layer", [layers.GaussianNoise(0.5), layers.GaussianDropout(0.2), *(LAYERS[name][0] for name in LAYERS)]
)
def test_a_layer_draws_from_the_channel_it_gives(layer):
    """Mean and spread of the layer's own draws, and where it draws from the channel."""
    x = next((x for other, x in LAYERS.values() if other is layer), torch.randn(4))
    many = x.expand(20_000, *x.shape)
    drawn = layer.eval()(many).detach().flatten(1).double()
    given = layer.channel(many).sample(torch.Generator().manual_seed(1))
    torch.testing.assert_close(drawn.mean(0), given.mean(0), atol=0.03, rtol=0.05)
    torch.testing.assert_close(drawn.std(0), given.std(0), atol=0.03, rtol=0.05)


def test_dropout_draws_from_the_channel_it_gives():
    layer, h = layers.BinaryDropout(0.3), torch.tensor([1.0, -2.0, 0.0]).expand(20_000, 3)
    given = layer.channel(h).sample(torch.Generator().manual_seed(1))
    torch.testing.assert_close(given.mean(0), 0.7 * h[0].double(), atol=0.03, rtol=0.03)
    assert ((given == 0) | (given == h)).all()


def test_rounded_units_give_their_codes():
    h = torch.tensor([[-1.0, 0.2], [0.4, 1.0]])
    assert layers.Sign().channel(h).values.tolist() == [[0, 1], [1, 1]]
    rounded = layers.FakeQuantize(4)
    rounded(h)
    assert rounded.eval().channel(h).values.tolist() == [[-7, 1], [3, 7]]
    with pytest.raises(RuntimeError, match="no range yet"):
        layers.FakeQuantize(4).eval().channel(h)


def test_noise_without_strength_is_no_channel():
    for layer in (layers.BinaryDropout(0.0), layers.GaussianDropout(0.0)):
        with pytest.raises(ValueError, match="expected a"):
            layer.channel(torch.ones(3, 2))


@pytest.mark.parametrize("kind", [lambda: nn.Linear(6, 3), lambda: nn.Conv1d(2, 3, 2)])
def test_mean_field_weights_have_the_moments_of_a_layer_with_them(kind):
    """Mean and spread over draws of the weights, for a single sample."""
    layer = kind()
    field = layers.MeanField(layer.weight, std=0.3)
    register_parametrization(layer, "weight", field)
    h = torch.randn(1, 6) if isinstance(layer, nn.Linear) else torch.randn(1, 2, 5)
    drawn = torch.stack([layer(h).detach().flatten() for _ in range(4000)]).double()
    given = field.channel(h, layer=layer)
    torch.testing.assert_close(drawn.mean(0), given.mean[0], atol=0.06, rtol=0)
    torch.testing.assert_close(drawn.var(0), given.variance[0], atol=0, rtol=0.12)
    with pytest.raises(ValueError, match="Linear is not this one"):
        field.channel(torch.randn(1, 6), layer=nn.Linear(6, 3))


def test_attention_without_noise_has_no_channel_and_heads_divide_the_width():
    with pytest.raises(ValueError, match="no noise and no channel; make it with noise="):
        layers.Attention(4, 2).channel(torch.zeros(3, 2, 4))
    for width, heads in ((4, 3), (0, 1)):
        with pytest.raises(ValueError, match=f"width={width} is not a multiple of heads={heads}"):
            layers.Attention(width, heads)
    with pytest.raises(TypeError, match=r"noise=0\.1; expected a module such as"):
        layers.Attention(4, 2, 0.1)
    for tokens in (torch.zeros(3, 2, 5), torch.zeros(3, 4), None):
        with pytest.raises(ValueError, match=r"the tokens are .*; expected \(sample, token, 4\)"):
            layers.Attention(4, 2)(tokens)


def test_masked_tokens_do_not_reach_the_heads():
    layer, h = layers.Attention(4, 2, layers.GaussianNoise(0.1)), torch.randn(3, 5, 4)
    mask = torch.tensor([True, True, True, False, False]).expand(3, 5)
    other = torch.where(mask[..., None], h, torch.randn_like(h))
    heads = [layer.channel(x, mask).mean.unflatten(1, (2, 5, 2))[:, :, :3] for x in (h, other)]
    torch.testing.assert_close(*heads)
