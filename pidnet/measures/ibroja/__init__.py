"""I_BROJA (Bertschinger, Rauh, Olbrich, Jost & Ay 2014, arXiv:1311.2852): the least unique information that
the margins of both sources with the target allow, with a proof of how near to it the answer is.
"""

from pidnet.measures.ibroja.optimum import i_broja, i_broja_derivative

__all__ = ["i_broja", "i_broja_derivative"]
