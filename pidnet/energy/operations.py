"""What a torch operation costs in multiply-accumulates (MACs), from the shapes of its arguments.

Weights and matrix products only: biases, activations, norms and pooling are no MACs. Products with the
zeros of a padding are counted, as in every hand count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor


def tensors_in(value) -> Iterator[Tensor]:
    """Every tensor inside nested tuples, lists and mappings, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)


def product_macs(args, out) -> int:
    """(n, k) @ (k, m) costs n k m; batched, vector and scalar products likewise."""
    left, right = list(tensors_in(args))[-2:]
    return left.numel() * (right.shape[-1] if right.ndim > 1 else 1)


def convolution_macs(args, out) -> int:
    """in/groups * kernel for every output value; transposed, out/groups * kernel for every input value."""
    signal, weight, transposed = args[0], args[1], args[6]
    return (signal if transposed else out).numel() * weight[0].numel()


def attention_macs(args, out) -> int:
    """Both products of every head: query * key * width for the scores and as much for their use."""
    query, key, value = args[:3]
    return query[..., 0].numel() * key.shape[-2] * (query.shape[-1] + value.shape[-1])


def recurrent_macs(args, out) -> int:
    """Each time step uses every weight matrix once: gates, layers, directions, projection."""
    matrices = [weight for weight in tensors_in(args[2:]) if weight.ndim == 2]
    return args[0][..., 0].numel() * sum(matrix.numel() for matrix in matrices)


# Seen as functions, because below that they become opaque kernels that differ between devices.
RECURRENT = {"lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"}

# aten operation -> (kind of layer it makes, MACs of one call)
MULTIPLYING: dict[str, tuple[str, Callable[[tuple, Tensor], int]]] = {
    **dict.fromkeys(
        ("mm", "addmm", "_addmm_activation", "mv", "addmv", "dot", "vdot"), ("linear", product_macs)
    ),
    **dict.fromkeys(("bmm", "baddbmm", "addbmm"), ("attention", product_macs)),
    "convolution": ("conv", convolution_macs),
    **dict.fromkeys(
        (
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_cudnn_attention",
            "_scaled_dot_product_fused_attention_overrideable",
        ),
        ("attention", attention_macs),
    ),
}
EMBEDDING = {"embedding", "_embedding_bag", "_embedding_bag_forward_only"}
NORM = {
    "native_layer_norm",
    "native_batch_norm",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_no_training",
    "_batch_norm_with_update",
    "cudnn_batch_norm",
    "native_group_norm",
    "_fused_rms_norm",
}
# Arithmetic without a matrix product that torch does not tag as pointwise or as a reduction.
ELEMENTWISE = {
    *("_softmax", "_log_softmax", "cumsum", "cumprod", "mean", "sum", "prod", "amax", "amin", "max", "min"),
    *("argmax", "argmin", "var", "var_mean", "std", "std_mean", "linalg_vector_norm", "native_dropout"),
    *("max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool2d", "avg_pool3d"),
    *("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d"),
    *(
        "any",
        "all",
        "logsumexp",
        "softplus",
        "glu",
        "prelu",
        "_prelu_kernel",
        "celu",
        "bernoulli",
        "bernoulli_",
    ),
    *("normal", "normal_", "uniform_", "searchsorted", "bucketize", "sort", "topk", "_local_scalar_dense"),
}
# Copies and look-ups: bytes move, nothing is computed.
MOVING = {
    *("clone", "copy_", "_to_copy", "_copy_from", "contiguous", "cat", "stack", "constant_pad_nd", "repeat"),
    *("index", "index_select", "index_put", "index_put_", "gather", "scatter", "scatter_", "roll", "flip"),
    *("tril", "triu", "fill_", "zero_", "zeros_like", "ones_like", "empty_like", "full_like", "rand_like"),
    *("randn_like", "new_empty", "new_zeros", "new_ones", "new_full", "lift_fresh", "detach", "detach_"),
    *(
        "_unsafe_view",
        "unsafe_split",
        "unsafe_chunk",
        "unbind",
        "_reshape_copy",
        "resize_",
        "set_",
        "repeat_interleave",
    ),
    *("masked_fill_", "reflection_pad1d", "reflection_pad2d", "replication_pad2d", "upsample_nearest2d"),
    *("_pack_padded_sequence", "_pad_packed_sequence", "transpose_", "squeeze_", "unsqueeze_", "t_"),
    *("pixel_shuffle", "channel_shuffle", "one_hot", "randn", "rand", "is_same_size", "equal"),
}


def kind_of(func, args) -> str | None:
    """linear, conv, attention, embedding, norm, elementwise or moving; None for what is not known."""
    name = func.overloadpacket.__name__
    if func.namespace not in ("aten", "prim", "prims"):
        return None
    if name in MULTIPLYING:
        return MULTIPLYING[name][0]
    if name in EMBEDDING:
        return "embedding"
    if name in NORM:
        return "norm"
    if name in MOVING or func.is_view or next(tensors_in(args), None) is None:
        return "moving"
    tags = {torch.Tag.pointwise, getattr(torch.Tag, "reduction", torch.Tag.pointwise)}
    return "elementwise" if name in ELEMENTWISE or tags & set(func.tags) else None
