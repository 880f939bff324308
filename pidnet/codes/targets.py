"""What the units are asked about: the label, the predicted class, any other labelling, or another unit."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from pidnet.codes.quantizing import Codes, class_labels

Target = str | Tensor | tuple[str, int]


def with_target(codes: Codes, target: Target) -> Codes:
    """The same codes about another target.

    target: "predicted", the class with the largest output of the model; int labels, one for each input
    (any attribute, another labelling) or for each row; or (layer, unit), the code of a unit, say of the next
    layer, whose levels become the classes.
    Raises ValueError for labels that do not fit, an unknown layer or unit, or when no class was predicted.
    """
    match target:
        case Tensor():
            labels = _for_each_row(codes, class_labels(target))
        case (str() as layer, int() as unit):
            labels = _unit(codes, layer, unit)
        case "predicted" if codes.predicted is not None:
            labels = codes.predicted
        case "predicted":
            raise ValueError("the model put out no class scores, so there is no predicted class")
        case _:
            raise ValueError(f'target={target!r}; expected "predicted", a tensor of labels, or (layer, unit)')
    return replace(codes, target=labels, classes=int(labels.max()) + 1)


def _for_each_row(codes: Codes, labels: Tensor) -> Tensor:
    """Labels of inputs spread over their rows (places, draws)."""
    rows = len(codes.target)
    if len(labels) == rows:
        return labels
    inputs = rows if codes.sample is None else int(codes.sample.max()) + 1
    if len(labels) != inputs or codes.sample is None:
        raise ValueError(f"{len(labels)} labels for {inputs} inputs; expected one for each input")
    return labels[codes.sample]


def _unit(codes: Codes, layer: str, unit: int) -> Tensor:
    if layer not in codes.layers:
        raise ValueError(f"no such layer: {layer!r}; the codes hold {', '.join(map(repr, codes.layers))}")
    units = codes.layers[layer].shape[1]
    if not 0 <= unit < units:
        raise ValueError(f"layer {layer!r} has no unit {unit}; it has {units}")
    return codes.layers[layer][:, unit].long()
