"""A user's own folder: a network, its weights and its data, as a newcomer would have them."""

import pytest
import torch
from safetensors.torch import save_file

from pidnet import training

MINE = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 8)
        self.second = nn.Linear(8, 5)
        self.last = nn.Linear(5, 3)

    def forward(self, x):
        return self.last(torch.relu(self.second(torch.relu(self.first(x)))))


def network():
    torch.manual_seed(1)
    return Net()


def samples():
    x = torch.rand(300, 6, generator=torch.Generator().manual_seed(0))
    return x, (x[:, 0] > 0.5).long() + (x[:, 1] > 0.5).long()


def parts():
    x, y = samples()
    return x[:200], y[:200], x[200:], y[200:]


def loader():
    return DataLoader(TensorDataset(*samples()), batch_size=64)


def arrays():
    return tuple(part.double().numpy() if part.is_floating_point() else part.numpy() for part in parts())


def frames():
    import pandas
    x, y = samples()
    return pandas.DataFrame(x.double().numpy()), pandas.Series(y.numpy())


def dataset():
    return TensorDataset(*samples())


def named():
    x, y = samples()
    return {"values": x}, y


def named_batches():
    return [({"values": x}, y) for x, y in loader()]


def drawn():
    return Net()


def fails():
    return 1 / 0


def wants(width):
    return Net()


ready = network()
number = 3
"""


@pytest.fixture(scope="session")
def mine(tmp_path_factory):
    """The folder, with trained weights in both formats and a pickled network."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / "mine.py").write_text(MINE)
    scope = {"__name__": "mine"}
    exec(MINE, scope)
    net = training.train(scope["network"](), *scope["samples"](), epochs=40, rate=0.03)
    save_file(net.state_dict(), folder / "weights.safetensors")
    torch.save(net.state_dict(), folder / "weights.pt")
    return folder


@pytest.fixture
def at(mine):
    """name -> file.py:name in the user's folder."""
    return lambda name: f"{mine / 'mine.py'}:{name}"
