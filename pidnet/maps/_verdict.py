"""Where a conclusion about layers holds."""

from __future__ import annotations

from dataclasses import dataclass

from pidnet.printing import Printed, wrapped


@dataclass(frozen=True, eq=False, repr=False)
class Verdict(Printed):
    """Where one conclusion holds.

    Attributes
    ----------
    conclusion : str
        In words.
    settings : tuple of (int, int)
        The (levels, samples) that were tried.
    holds : tuple of bool
        Whether the conclusion held there.
    """

    conclusion: str
    settings: tuple[tuple[int, int], ...]
    holds: tuple[bool, ...]

    @property
    def stable(self) -> bool:
        """True when the conclusion holds at every setting."""
        return all(self.holds)

    def __str__(self) -> str:
        failed = [
            f"{levels} levels and {samples} samples"
            for (levels, samples), held in zip(self.settings, self.holds, strict=True)
            if not held
        ]
        count = f"holds at {sum(self.holds)} of {len(self.holds)} settings"
        return f"{self.conclusion}: {count}, " + (f"not at {'; '.join(failed)}" if failed else "stable")

    @property
    def survives_levels(self) -> bool:
        """True when the conclusion holds at every number of levels that was tried on all samples."""
        most = max(samples for _, samples in self.settings)
        settings = zip(self.settings, self.holds, strict=True)
        return all(held for (_, samples), held in settings if samples == most)

    def _lines(self) -> list[str]:
        return wrapped(str(self))
