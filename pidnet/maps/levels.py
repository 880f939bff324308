"""How many levels the samples carry."""

from __future__ import annotations

from pidnet.arguments import check_arguments

SAMPLES_A_CELL = 5
FEWEST, MOST = 2, 8


def recommended_levels(samples: int, classes: int) -> int:
    """The largest number of levels at which the default correction is reliable.

    Parameters
    ----------
    samples, classes : int
        How many there are.

    Returns
    -------
    int
        2 to 8: sqrt( samples / (5 classes) ), rounded down. At 2 levels there may be fewer samples.

    Raises
    ------
    ValueError
        For numbers below 1.

    Notes
    -----
    A table has levels^2 classes cells. With 5 samples for each of them, as at 4 levels, 10 classes and 1,000 samples,
    the corrected atoms are off by some .005 bits on average in nearly all families of
    ``benchmarks/corrections.py``; with 1.5, as at 8 levels, by up to .03. More levels see more information,
    and numbers at different levels do not compare: use one for all that is compared.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.maps.recommended_levels(1000, 10)
    4
    """
    check_arguments(recommended_levels, locals())
    for count, what in ((samples, "samples"), (classes, "classes")):
        if count < 1:
            raise ValueError(f"{count} {what}; expected at least 1")
    return min(max(int((samples / (SAMPLES_A_CELL * classes)) ** 0.5), FEWEST), MOST)
