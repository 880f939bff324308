"""Mutual information of layers: brackets with a state, from what is known about a layer.

A known channel gives proven ends (``channels``).
"""

from pidnet.estimators.channels import channel_information
from pidnet.estimators.information import Information

__all__ = ["Information", "channel_information"]
