"""A pruned network leaves for other runtimes as the dense one does."""

import warnings

import numpy as np
import pytest
import torch

import pidnet as pn
from tests.pruning.families import make

FAMILIES = ["mlp", "conv", "lstm", "transformer", "encoder"]


@pytest.fixture(params=FAMILIES, scope="module")
def pruned(request):
    """A pruned network and five of its inputs."""
    if request.param == "lstm" and torch.__version__ < "2.5":
        pytest.skip("this torch exports no LSTM whose size was changed")
    model, data = make(request.param)
    plan = pn.plan_pruning(model, data, keep=0.5, criterion="l2")
    return pn.apply_plan(model, plan, data), data[0][:5]


@pytest.mark.filterwarnings(
    "ignore:The tensor attributes self.rnn._flat_weights"
)  # torch says it of any LSTM
def test_the_pruned_network_goes_through_torch_export(pruned, tmp_path):
    small, x = pruned
    torch.export.save(torch.export.export(small, (x,)), tmp_path / "small.pt2")
    again = torch.export.load(tmp_path / "small.pt2").module()
    with torch.no_grad():
        torch.testing.assert_close(again(x), small(x))


def test_the_pruned_network_exports_to_onnx(pruned, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    (small, x), path = pruned, tmp_path / "small.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(small, (x,), path, dynamo=True, verbose=False)
        session = onnxruntime.InferenceSession(path)
    (answer,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(answer, small(x).numpy(), atol=1e-5, rtol=1e-4)
