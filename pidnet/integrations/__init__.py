"""pidnet inside other libraries' frames."""

from pidnet.integrations.scikit_learn import CoverSelector

__all__ = ["CoverSelector"]
