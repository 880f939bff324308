import pytest
import torch
from torch import nn

from pidnet.networks.linear_map import input_rows, output_rows, weight_matrix, write_matrix

LAYERS = [
    (nn.Linear(5, 3), (4, 5)),
    (nn.Linear(5, 3), (4, 7, 5)),
    (nn.Conv2d(3, 4, 3, padding=1), (2, 3, 6, 5)),
    (nn.Conv2d(3, 4, (1, 3), stride=2, padding=(0, 2), dilation=(1, 2), bias=False), (2, 3, 6, 5)),
    (nn.Conv2d(3, 4, (2, 3), padding="same", dilation=2), (2, 3, 6, 5)),
    (nn.Conv2d(3, 4, 3, padding=(2, 1), padding_mode="reflect"), (2, 3, 6, 5)),
    (nn.Conv1d(2, 4, 4, padding="same", padding_mode="circular"), (3, 2, 11)),
    (nn.Conv1d(2, 4, 3, stride=2, padding=1, dilation=2), (3, 2, 11)),
    (nn.Conv3d(2, 3, (1, 2, 3), stride=(1, 2, 1), padding=1, dilation=(2, 1, 1)), (2, 2, 4, 5, 6)),
    (nn.ConvTranspose1d(2, 4, 4, stride=3, padding=5, output_padding=2), (3, 2, 11)),
    (nn.ConvTranspose2d(3, 4, (2, 3), stride=2, padding=1, dilation=(2, 1), bias=False), (2, 3, 6, 5)),
    (nn.ConvTranspose3d(2, 3, 2, stride=2), (1, 2, 3, 2, 3)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=str)
def test_a_layer_is_its_matrix_on_its_rows(layer, shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    bias = 0 if layer.bias is None else layer.bias.detach().double()
    product = input_rows(layer, x) @ weight_matrix(layer).T + bias
    torch.testing.assert_close(product, output_rows(layer, layer(x).detach()), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=str)
def test_a_matrix_is_written_as_it_is_read(layer, shape):
    matrix = weight_matrix(layer)
    before = layer.weight.detach().clone()
    write_matrix(layer, 2 * matrix)
    torch.testing.assert_close(layer.weight.detach(), 2 * before)
    write_matrix(layer, matrix)


def test_layers_that_are_no_plain_matrix_are_refused():
    with pytest.raises(ValueError, match="a convolution of several groups is not one linear map"):
        input_rows(nn.Conv2d(4, 4, 3, groups=4), torch.zeros(1, 4, 5, 5))
