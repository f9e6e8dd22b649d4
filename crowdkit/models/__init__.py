"""Whole networks: made by name, saved to a folder, loaded from one."""

from crowdkit import _guard as _guard
from crowdkit.models.base import CrowdModel
from crowdkit.models.cfanet import CFANet
from crowdkit.models.cfanet_lite import cfanet_lite
from crowdkit.models.inside import Explainable, Inside
from crowdkit.models.registry import create_model, list_models, load_model

__all__ = [
    "CFANet",
    "CrowdModel",
    "Explainable",
    "Inside",
    "cfanet_lite",
    "create_model",
    "list_models",
    "load_model",
]
