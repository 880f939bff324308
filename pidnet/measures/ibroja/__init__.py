"""I_BROJA (Bertschinger, Rauh, Olbrich, Jost & Ay 2014, arXiv:1311.2852): the least unique information that
the margins of both sources with the target allow, with a proof of how near to it the answer is.

``optimum`` holds the measure and its derivative. Two compiled kernels find the minimum, ``_binary`` for two levels a
source (a root in one number) and ``_general`` for all others (an interior-point method); ``_certificate`` proves the
answer of the latter, and ``_twin`` computes what both compute in plain NumPy: read it first.
"""

from pidnet.measures.ibroja.optimum import i_broja, i_broja_derivative

__all__ = ["i_broja", "i_broja_derivative"]
