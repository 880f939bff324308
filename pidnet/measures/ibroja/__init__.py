"""I_BROJA (Bertschinger, Rauh, Olbrich, Jost & Ay 2014, arXiv:1311.2852): the least unique information that
the margins of both sources with the target allow, with a proof of how near to it the answer is.

``optimum`` holds the measure and its derivative, ``_attempts`` hands the pairs to compiled kernels that find the
minimum: ``_binary`` for two levels a source (a root in one number), ``_general`` for all others (an interior-point
method, with ``_by_levels`` for tables of many levels), and before each the same for eight pairs at a time,
``_binary_lanes`` and ``_lanes``, which leave few pairs open.
Every answer comes with its proof, from ``_certificate`` or ``_lanes_proof``. ``_twin`` computes all of it in plain NumPy:
read it first, then ``_general``.
"""

from pidnet.measures.ibroja.optimum import i_broja, i_broja_derivative

__all__ = ["i_broja", "i_broja_derivative"]
