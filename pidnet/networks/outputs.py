"""The output of a network read as a distribution, so that losing a unit can be measured in bits.

===========  ==========================================  ================================================
reading      scores                                      what the output is
===========  ==========================================  ================================================
classes      (sample, class) or (sample, class, place)   one class, or one at every place (segmentation)
tokens       (sample, token, class)                      one class at every token
bernoulli    any shape                                   yes or no at every score: one logit, several labels
gaussian     any shape                                   the scores themselves, give or take their covariance
===========  ==========================================  ================================================
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Reading = Literal["classes", "tokens", "bernoulli", "gaussian"]
READINGS: tuple[Reading, ...] = ("classes", "tokens", "bernoulli", "gaussian")

IGNORED = -100  # torch's own number for labels that do not count
# The whole covariance of up to so many scores is taken into account.
MOST_SCORES = 1024
# Up to so many directions are gone through one by one; more are drawn at random.
MOST_DIRECTIONS = 64
# With so many classes the gradients of all scores are held at once.
FEW_CLASSES = 20
RIDGE = 1e-4


@dataclass(frozen=True, eq=False)
class OutputReading:
    """A network's output as a distribution.

    Attributes
    ----------
    kind : {"classes", "tokens", "bernoulli", "gaussian"}
        The distribution whose parameters the scores are.
    whitening : Tensor or None
        For "gaussian": (score, score), the inverse square root of the covariance of the dense network's scores,
        or (score,), one over their deviations, where there are more than 1,024 scores.
    """

    kind: Reading
    whitening: Tensor | None = None

    def heat(self, temperature: float) -> float:
        """The temperature, or 1 where none changes anything: of scores that are neither those of classes nor logits."""
        return 1.0 if self.kind == "gaussian" else temperature

    def divergence(self, dense: Tensor, small: Tensor) -> Tensor:
        """KL divergence from the dense network's distribution to the small one's, bits, float64 (sample,).

        Places, tokens and labels of one sample add up.
        """
        dense, small = dense.double(), small.double()
        if self.kind == "gaussian":
            nats = 0.5 * (self._whitened(dense) - self._whitened(small)) ** 2
        elif self.kind == "bernoulli":
            nats = _bernoulli_divergence(dense, small)
        else:
            log_p, log_q = (self._classes_last(scores).log_softmax(-1) for scores in (dense, small))
            nats = log_p.exp() * (log_p - log_q)
        return nats.flatten(1).sum(1) / math.log(2) if nats.ndim > 1 else nats / math.log(2)

    def directions(
        self, scores: Tensor, temperature: float = 1.0, seed: int = 0, draws: int = 64
    ) -> Iterator[Tensor]:
        """Scalars whose gradients g give the Fisher information of the output: M = sum of g g^T over samples, nats.

        Up to 64 classes or scores of a sample are gone through one by one. Where there are more, or where
        classes stand at several places, some outputs are drawn from the network's own distribution: then g g^T
        is right on average.

        Parameters
        ----------
        scores : Tensor
            The network's output, with its graph.
        temperature : float
            Divides the scores of classes and logits. The higher, the more samples count that the network is
            sure of; M is scaled by its square, so that it tends to the scores' own metric.
        seed, draws : int
            Of the draws, and how many there are of each sample.
        """
        generator = torch.Generator().manual_seed(seed)
        match self.kind:
            case "gaussian":
                yield from _each_or_drawn(self._whitened(scores), generator, draws)
            case "bernoulli":
                p = (scores.detach() / temperature).sigmoid()
                yield from _each_or_drawn((p * (1 - p)).sqrt() * scores, generator, draws)
            case _:
                log_p = (self._classes_last(scores) / temperature).log_softmax(-1)
                yield from _class_directions(temperature * log_p, log_p.detach().exp(), generator, draws)

    def mixtures(self, scores: Tensor, temperature: float = 1.0) -> Tensor | None:
        """The same directions as mixtures of the scores, whose gradients then serve any temperature.

        Parameters
        ----------
        scores : Tensor
            The network's output.
        temperature : float
            As for ``directions``.

        Returns
        -------
        Tensor or None
            (sample, direction, class); None for anything but one class of a few.
        """
        if self.kind != "classes" or scores.ndim > 2 or scores.shape[1] > FEW_CLASSES:
            return None
        p = (scores.detach().double() / temperature).softmax(1)
        return p.sqrt()[:, :, None] * (torch.eye(p.shape[1]).to(p) - p[:, None, :])

    def predicted(self, scores: Tensor) -> Tensor | None:
        """The likeliest class of each sample, int64 (sample,); None where a sample has no single class."""
        if self.kind == "classes" and scores.ndim == 2:
            return scores.argmax(1)
        if self.kind == "bernoulli" and scores.numel() == len(scores):
            return (scores.reshape(-1) > 0).long()
        return None

    def loss(self, scores: Tensor, y: Tensor) -> Tensor:
        """Minus the log-likelihood of the targets, nats, summed over samples."""
        match self.kind:
            case "gaussian":
                if y.numel() != scores.numel():
                    raise ValueError(unfit_labels(scores, y))
                target = y.to(scores).reshape(scores.shape)
                return 0.5 * (self._whitened(scores - target) ** 2).sum()
            case "bernoulli":
                target = y.to(scores).reshape(scores.shape)
                return torch.nn.functional.binary_cross_entropy_with_logits(scores, target, reduction="sum")
            case _:
                last = self._classes_last(scores)
                flat = last.reshape(-1, last.shape[-1])
                target = y.to(flat.device, torch.int64).reshape(-1)
                return torch.nn.functional.cross_entropy(flat, target, reduction="sum")

    def _classes_last(self, scores: Tensor) -> Tensor:
        return scores.movedim(1, -1) if self.kind == "classes" else scores

    def _whitened(self, scores: Tensor) -> Tensor:
        flat = scores.reshape(len(scores), -1)
        if self.whitening is None:
            return flat
        white = self.whitening.to(flat)
        return flat * white if white.ndim == 1 else flat @ white


def read_output(scores: Tensor, y: Tensor, output: Reading | None = None) -> OutputReading:
    """Decide how a network's output is read, from its shape and the targets.

    Parameters
    ----------
    scores : Tensor
        The dense network's output on the calibration data, (sample, ...).
    y : Tensor
        Their targets, (sample, ...).
    output : {"classes", "tokens", "bernoulli", "gaussian"}, optional
        The reading, where it should not be decided.

    Returns
    -------
    OutputReading
        The reading; for "gaussian" with the covariance of the scores.

    Raises
    ------
    ValueError
        For an unknown reading, or one that does not fit the shape, or where the class axis cannot be told.
    """
    if output is not None and output not in READINGS:
        raise ValueError(f"output={output!r}; expected one of {', '.join(READINGS)}")
    kind = output or _decided(scores, y)
    fewest = {"classes": 2, "tokens": 3}.get(kind, 1)
    if scores.ndim < fewest or (fewest > 1 and scores.shape[1 if kind == "classes" else -1] < 2):
        raise ValueError(f"output={kind!r} does not fit scores of shape {tuple(scores.shape)}")
    return OutputReading(kind, _whitening(scores) if kind == "gaussian" else None)


def class_axis(shape: Sequence[int], y: Tensor) -> int | None:
    """The axis of classes in scores of this shape, -1 or 1; 0 for one logit a sample; None where they are no classes."""
    each = tuple(shape[1:])
    if math.prod(each) == 1:
        return 0 if y.numel() == len(y) and bool(((y == 0) | (y == 1)).all()) else None
    if not _whole(y):
        return None
    labels = tuple(y.shape[1:])
    return -1 if labels == each[:-1] else 1 if labels == each[1:] else None


def has_labels(y: Tensor) -> bool:
    """Whether any sample has a label, which torch's cross-entropy would not ignore."""
    return bool((y != IGNORED).any())


def check_labels(y: Tensor) -> None:
    """ValueError where no sample has a label."""
    if not has_labels(y):
        raise ValueError(
            f"none of {len(y)} samples has a label; give data as (x, y), with labels that are not {IGNORED}"
        )


def unfit_labels(scores: Tensor, y: Tensor) -> str:
    """Why an output has no likelihood for these targets, with the remedy."""
    ends = f"from {y.min():.10g} to {y.max():.10g}" if y.numel() and not y.is_complex() else "of no value"
    return (
        f"the targets, {ends}, of shape {tuple(y.shape)} do not fit an output of shape {tuple(scores.shape)}; expected "
        "the numbers of its classes, 0 to the number of classes - 1 (torch.unique(y, return_inverse=True)[1] numbers "
        "those that occur), or one value for each output"
    )


def _decided(scores: Tensor, y: Tensor) -> Reading:
    if not has_labels(y):
        raise ValueError(
            "the data have no labels, by whose shape the output could be read; say how to read it: output= "
            + ", ".join(f'"{reading}"' for reading in READINGS)
        )
    if scores.numel() == len(scores) or y.shape == scores.shape:
        return "bernoulli" if _whole(y) and bool(((y == 0) | (y == 1)).all()) else "gaussian"
    if not _whole(y):
        return "gaussian"
    if scores.ndim == 2:
        return "classes" if y.ndim == 1 and _classes_fit(y, scores.shape[1]) else "gaussian"
    at_places = y.shape == (len(scores), *scores.shape[2:]) and _classes_fit(y, scores.shape[1])
    at_tokens = y.shape == scores.shape[:-1] and _classes_fit(y, scores.shape[-1])
    if at_places and at_tokens:
        raise ValueError(
            f"scores of shape {tuple(scores.shape)} with targets of shape {tuple(y.shape)} hold classes on axis 1 "
            'or on the last one; say which with output="classes" or output="tokens"'
        )
    return "classes" if at_places else "tokens" if at_tokens else "gaussian"


def _whole(y: Tensor) -> bool:
    return not y.is_floating_point() or bool((y == y.round()).all())


def _classes_fit(y: Tensor, classes: int) -> bool:
    return bool((y < classes).all())  # negative labels are ignored positions, as in torch's cross-entropy


def _whitening(scores: Tensor) -> Tensor:
    flat = scores.detach().double().reshape(len(scores), -1)
    centered = flat - flat.mean(0)
    if flat.shape[1] > MOST_SCORES:
        variance = (centered**2).mean(0)
        return (variance + RIDGE * variance.mean()).clamp(min=torch.finfo(torch.float64).tiny).rsqrt()
    covariance = centered.T @ centered / len(flat)
    values, vectors = torch.linalg.eigh(covariance)
    values = (values.clamp(min=0) + RIDGE * values.mean()).clamp(min=torch.finfo(torch.float64).tiny)
    return (vectors * values.rsqrt()) @ vectors.T


def _bernoulli_divergence(dense: Tensor, small: Tensor) -> Tensor:
    log = torch.nn.functional.logsigmoid
    yes, no = log(dense), log(-dense)
    return yes.exp() * (yes - log(small)) + no.exp() * (no - log(-small))


def _each_or_drawn(terms: Tensor, generator: torch.Generator, draws: int) -> Iterator[Tensor]:
    """Each column's sum over samples, or sums under random signs: independent signs make cross terms 0 on average."""
    flat = terms.reshape(len(terms), -1)
    if flat.shape[1] <= MOST_DIRECTIONS:
        yield from flat.sum(0)
        return
    for _ in range(draws):
        signs = torch.randint(0, 2, flat.shape, generator=generator).to(flat) * 2 - 1
        yield (signs * flat).sum() / math.sqrt(draws)


def _class_directions(log_p: Tensor, p: Tensor, generator: torch.Generator, draws: int) -> Iterator[Tensor]:
    """The square root of p(class) on each gradient makes the sum of g g^T the expectation over classes."""
    if log_p.ndim == 2 and log_p.shape[1] <= MOST_DIRECTIONS:
        share = p.sqrt()
        for label in range(log_p.shape[1]):
            yield (share[:, label] * log_p[:, label]).sum()
        return
    flat_p, flat_log = p.reshape(-1, p.shape[-1]), log_p.reshape(-1, p.shape[-1])
    for _ in range(draws):
        drawn = torch.multinomial(flat_p.cpu(), 1, generator=generator).to(flat_log.device)
        yield flat_log.gather(1, drawn).sum() / math.sqrt(draws)
