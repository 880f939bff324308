"""Mutual information of layers: brackets with a state, from what is known about a layer.

A known channel gives proven ends (``channels``), units with few values are counted (``codes``), a probe on samples
held out gives a lower end for any layer (``labels``), and from samples alone there are estimates (``samples``).
A backward encoder gives an upper end (``backward``).
"""

from pidnet.estimators.backward import fit_backward, variational_bounds
from pidnet.estimators.channels import channel_information
from pidnet.estimators.codes import code_information
from pidnet.estimators.information import Information
from pidnet.estimators.labels import label_information
from pidnet.estimators.layer_channels import channel_of
from pidnet.estimators.samples import mutual_information

__all__ = [
    "Information",
    "channel_information",
    "channel_of",
    "code_information",
    "fit_backward",
    "label_information",
    "mutual_information",
    "variational_bounds",
]
