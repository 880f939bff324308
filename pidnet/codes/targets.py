"""What the units are asked about: the label, the predicted class, any other labelling, or another unit."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from pidnet.arguments import check_arguments
from pidnet.codes.codes import Codes, class_index, class_labels

Target = str | Tensor | tuple[str, int]


def with_target(codes: Codes, target: Target) -> Codes:
    """The same codes about another target.

    Parameters
    ----------
    codes : Codes
        The codes whose units are asked.
    target : str, Tensor or tuple
        "predicted", the class with the largest output of the model; integer labels, one for each input (any
        attribute, another labelling) or for each row; or (layer, unit), the code of a unit, say of the next
        layer, whose levels become the classes.

    Returns
    -------
    Codes
        With another ``target`` and its ``classes``.

    Raises
    ------
    ValueError
        For labels that do not fit, an unknown layer or unit, or when no class was predicted.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"layer": [[0, 1], [1, 1], [2, 1]]}, [0, 0, 1])
    >>> pn.with_target(codes, torch.tensor([5, 9, 9])).classes
    (5, 9)
    >>> pn.with_target(codes, ("layer", 0)).target
    tensor([0, 1, 2])
    """
    check_arguments(with_target, locals())
    match target:
        case Tensor():
            labels = _for_each_row(codes, class_labels(target))
        case (str() as layer, int() as unit):
            labels = _unit(codes, layer, unit)
        case "predicted" if codes.predicted is not None:
            labels = codes.predicted
        case "predicted":
            raise ValueError("the model gave no class scores, so there is no predicted class")
        case _:
            raise ValueError(f'target={target!r}; expected "predicted", a tensor of labels, or (layer, unit)')
    index, classes = class_index(labels)
    return replace(codes, target=index, classes=classes)


def _for_each_row(codes: Codes, labels: Tensor) -> Tensor:
    """Labels of inputs spread over their rows (positions, draws)."""
    rows = len(codes)
    if len(labels) == rows:
        return labels
    inputs = rows if codes.sample is None else int(codes.sample.max()) + 1
    if len(labels) != inputs or codes.sample is None:
        raise ValueError(f"{len(labels)} labels for {inputs} inputs; expected one for each input")
    return labels[codes.sample]


def _unit(codes: Codes, layer: str, unit: int) -> Tensor:
    values = codes.layer(layer).values
    if not 0 <= unit < values.shape[1]:
        raise ValueError(f"layer {layer!r} has no unit {unit}; it has {values.shape[1]}")
    return values[:, unit].long()
