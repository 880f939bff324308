"""One figure of two models."""

from __future__ import annotations

from typing import NamedTuple


class Compared(NamedTuple):
    """One figure of the dense and of the small model, as a tuple (dense, small).

    Attributes
    ----------
    dense, small : float
        The figure of either model, in one unit.

    Examples
    --------
    >>> import pidnet as pn
    >>> macs = pn.energy.Compared(200, 50)
    >>> macs.kept
    0.25
    >>> dense, small = macs
    """

    dense: float
    small: float

    @property
    def kept(self) -> float:
        """The share small / dense.

        Returns
        -------
        float
            nan where dense is not above 0 or small is below it, as noisy measurements can be.

        Examples
        --------
        >>> import pidnet as pn
        >>> pn.energy.Compared(0, 0).kept
        nan
        """
        return self.small / self.dense if self.dense > 0 and self.small >= 0 else float("nan")
