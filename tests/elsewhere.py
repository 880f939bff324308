"""The device "elsewhere": tensors in host memory that torch takes for those of an accelerator.

Importing this registers the device with torch, for the whole process. A tensor there wraps one on the CPU; every
operation unwraps its arguments and wraps its results. Like CUDA it refuses to mix its tensors with those of the CPU,
except for single numbers and where torch itself allows it, it multiplies no matrices of whole numbers, and it has no
``numpy()``. It is like them only as far as torch's
Python layer goes: it has no streams, no kernels and no memory of its own, and its recurrent cells have no backward pass.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "elsewhere"
# Where CUDA too takes indices, lengths or sources from the CPU.
PACKING = {"_pack_padded_sequence", "_pad_packed_sequence"}
PRODUCTS = {"addmm", "addmv", "baddbmm", "bmm", "dot", "mm", "mv"}  # not of whole numbers
MAY_MIX = {"copy_", "index", "index_put_", "_index_put_impl_", *PACKING}


class There(Tensor):
    """A tensor on the device; ``here`` holds its values."""

    here: Tensor
    # Sizes are asked for, since torch transposes in place; None fixes them, for dispatch modes that would see the questions.
    sizes: str | None = "sizes"
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, here: Tensor) -> "There":
        layout = here.size(), here.stride(), here.storage_offset()
        there = Tensor._make_wrapper_subclass(
            cls,
            *layout,
            dtype=here.dtype,
            device=torch.device(NAME, 0),
            dispatch_sizes_strides_policy=cls.sizes,
        )
        there.here = here
        return there

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"There({self.here})"

    def tolist(self) -> Any:
        """Tensors that wrap others have none in torch; those of CUDA have."""
        return self.here.tolist()

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        if func.overloadpacket in LAYOUT:
            return LAYOUT[func.overloadpacket](args[0].here)
        return carry_out(func, args, kwargs or {})


LAYOUT = {
    torch.ops.aten.size: Tensor.size,
    torch.ops.aten.sym_size: Tensor.size,
    torch.ops.aten.stride: Tensor.stride,
    torch.ops.aten.sym_stride: Tensor.stride,
    torch.ops.aten.storage_offset: Tensor.storage_offset,
    torch.ops.aten.sym_storage_offset: Tensor.storage_offset,
    torch.ops.aten.numel: Tensor.numel,
    torch.ops.aten.sym_numel: Tensor.numel,
    torch.ops.aten.dim: Tensor.dim,
    torch.ops.aten.is_contiguous: Tensor.is_contiguous,
    torch.ops.aten.is_strides_like_format: lambda here: False,
    torch.ops.aten.is_non_overlapping_and_dense: Tensor.is_contiguous,
}


def carry_out(func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Run an operation on what the tensors wrap, with the results where CUDA would have them."""
    name = func.overloadpacket.__name__
    tensors = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, There)]
    strangers = [tensor for tensor in tensors if tensor.ndim and not isinstance(tensor, There)]
    if there and strangers and name not in MAY_MIX:
        shapes = [tuple(tensor.shape) for tensor in strangers]
        raise RuntimeError(f"{func} got tensors of {NAME} and, of shapes {shapes}, of the CPU")
    if there and name in PRODUCTS and not there[-1].is_floating_point():
        raise NotImplementedError(f"{name} is not implemented for {there[-1].dtype} on {NAME}")
    target = kwargs.get("device")
    goes_there = bool(there) if target is None else torch.device(target).type == NAME
    if target is not None:
        kwargs = kwargs | {"device": torch.device("cpu")}
    plain_args, plain_kwargs = tree_map(lambda v: v.here if isinstance(v, There) else v, (args, kwargs))
    output = CELLS.get(name, func)(*plain_args, **plain_kwargs)
    known = {id(tensor.here): tensor for tensor in there}

    def wrapped(value: Any) -> Any:
        if id(value) in known:
            return known[id(value)]
        return There(value) if isinstance(value, Tensor) and goes_there else value

    if name in PACKING:
        return wrapped(output[0]), output[1]  # how many sequences each step has is read on the CPU
    return args[0] if name == "copy_" else tree_map(wrapped, output)


def _lstm_cell(entering, recurrent, state, *biases):
    i, f, g, o = (entering + recurrent + sum(b for b in biases if b is not None)).chunk(4, 1)
    cell = f.sigmoid() * state + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell, entering.new_empty(0)


def _gru_cell(entering, recurrent, state, entering_bias=0, recurrent_bias=0):
    parts = (entering + entering_bias).chunk(3, 1), (recurrent + recurrent_bias).chunk(3, 1)
    (r, z, n), (hr, hz, hn) = parts
    update = (z + hz).sigmoid()
    return (1 - update) * (n + (r + hr).sigmoid() * hn).tanh() + update * state, entering.new_empty(0)


# torch runs these on accelerators and has none for the CPU; without their backward passes.
CELLS = {"_thnn_fused_lstm_cell": _lstm_cell, "_thnn_fused_gru_cell": _gru_cell}

_setup_privateuseone_for_python_backend(NAME)
LIBRARIES = [torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")]
LIBRARIES[0].fallback(lambda func, *args, **kwargs: carry_out(func, args, kwargs), "PrivateUse1")
for operation in ("copy_", "_to_copy", "alias", "detach", "lift_fresh", "as_strided"):
    overload = getattr(torch.ops.aten, operation).default
    LIBRARIES[1].impl(overload, lambda *a, func=overload, **k: carry_out(func, a, k), "PrivateUse1")
