"""Compiled kernels that several measures share."""
