"""What a torch operation costs in multiply-accumulates (MACs), from the shapes of its arguments.

Weights and matrix products only: biases, activations, norms and pooling are no MACs. Products with the
zeros of a padding are counted, as in every hand count.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from pidnet.networks.inputs import tensors_in


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

# The ways of a tensor out of torch, behind which nothing is seen.
LEAVING = {"numpy", "__array__", "tolist"}

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
    *("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "_local_scalar_dense", "_log_softmax"),
    *("_prelu_kernel", "_safe_softmax", "_softmax", "_weight_norm_interface", "adaptive_max_pool2d"),
    *("adaptive_max_pool3d", "all", "amax", "amin", "any", "argmax", "argmin", "avg_pool2d"),
    *("avg_pool3d", "bernoulli", "bernoulli_", "bucketize", "celu", "cumprod", "cumsum", "glu"),
    *("hardswish", "linalg_vector_norm", "log_sigmoid_forward", "logsumexp", "max"),
    *("max_pool2d_with_indices", "max_pool3d_with_indices", "mean", "min", "native_dropout", "normal"),
    *("normal_", "prelu", "prod", "searchsorted", "softplus", "sort", "std", "std_mean", "sum", "topk"),
    *("uniform_", "upsample_bicubic2d", "upsample_bilinear2d", "upsample_linear1d"),
    *("upsample_trilinear3d", "var", "var_mean"),
}
# Copies and look-ups: bytes move, nothing is computed.
MOVING = {
    *("_copy_from", "_nested_tensor_from_mask_left_aligned", "_pack_padded_sequence"),
    *("_pad_packed_sequence", "_reshape_copy", "_to_copy", "_unsafe_view", "cat", "channel_shuffle"),
    *("clone", "constant_pad_nd", "contiguous", "copy_", "detach", "detach_", "empty_like", "equal"),
    *("fill_", "flip", "full_like", "gather", "index", "index_put", "index_put_", "index_select"),
    *("is_same_size", "lift_fresh", "masked_fill_", "new_empty", "new_full", "new_ones", "new_zeros"),
    *("one_hot", "ones_like", "pixel_shuffle", "rand_like", "randn_like", "reflection_pad1d"),
    *("reflection_pad2d", "repeat", "repeat_interleave", "replication_pad2d", "resize_", "roll"),
    *("scatter", "scatter_", "set_", "squeeze_", "stack", "t_", "transpose_", "tril", "triu", "unbind"),
    *("unsafe_chunk", "unsafe_split", "unsqueeze_", "upsample_nearest1d", "upsample_nearest2d"),
    *("upsample_nearest3d", "zero_", "zeros_like"),
}


def kind_of(func, args) -> str | None:
    """linear, conv, attention, embedding, norm, elementwise or moving; None for what is not known."""
    if getattr(func, "namespace", "") not in ("aten", "prim", "prims"):
        return None
    name = func.overloadpacket.__name__
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


def macs_of(kind: str | None, func, args, out) -> int:
    """Multiply-accumulates of one call of an operation of this kind."""
    if kind not in ("linear", "attention", "conv"):
        return 0
    return MULTIPLYING[func.overloadpacket.__name__][1](args, out)
