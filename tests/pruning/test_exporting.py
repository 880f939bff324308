"""A pruned network leaves for other runtimes as the dense one does."""

import warnings

import numpy as np
import pytest
import torch

import pidnet as pn
from tests.pruning.families import make

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.mark.parametrize("family", ["mlp", "conv", "lstm", "transformer", "encoder"])
def test_the_pruned_network_exports_to_onnx(family, tmp_path):
    model, data = make(family)
    plan = pn.plan_pruning(model, data, keep=0.5, criterion="l2")
    small = pn.apply_plan(model, plan, data)
    x, path = data[0][:5], tmp_path / "small.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(small, (x,), path, dynamo=True, verbose=False)
        session = onnxruntime.InferenceSession(path)
    (answer,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(answer, small(x).numpy(), atol=1e-5, rtol=1e-4)
