"""Whole networks: created by name, saved to and loaded from a folder."""

from crowdkit import _guard as _guard
from crowdkit.models.attention_view import AttentionView, Explainable
from crowdkit.models.base import CrowdModel
from crowdkit.models.can import CAN
from crowdkit.models.cfanet import CFANet
from crowdkit.models.cfanet_lite import cfanet_lite
from crowdkit.models.csrnet import CSRNet
from crowdkit.models.dsnet import DSNet
from crowdkit.models.marunet import MARUNet
from crowdkit.models.mcnn import MCNN
from crowdkit.models.registry import create_model, list_models, load_model, load_published, maker as maker
from crowdkit.models.sanet import SANet
from crowdkit.models.sfcn import SFCNResNet101
from crowdkit.models.vgg19_bl import VGG19BL
from crowdkit.models.weights import BUNDLED as BUNDLED, WeightsCard, list_weights, weights_card

__all__ = [
    "CAN",
    "MCNN",
    "VGG19BL",
    "AttentionView",
    "CFANet",
    "CSRNet",
    "CrowdModel",
    "DSNet",
    "Explainable",
    "MARUNet",
    "SANet",
    "SFCNResNet101",
    "WeightsCard",
    "cfanet_lite",
    "create_model",
    "list_models",
    "list_weights",
    "load_model",
    "load_published",
    "weights_card",
]
