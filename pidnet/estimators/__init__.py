"""Mutual information of whole layers."""
