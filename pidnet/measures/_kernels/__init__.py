"""Compiled kernels that several measures share. ``twins`` computes the same in plain NumPy: read it first."""
