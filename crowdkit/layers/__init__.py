"""The building blocks of networks; lists of stages run coarse to fine."""

from crowdkit import _guard as _guard
from crowdkit.layers._checkpoint import without_shared_prefix as without_shared_prefix
from crowdkit.layers.attention import ResidualAttention, attention_weight
from crowdkit.layers.branch import CRR, DLE
from crowdkit.layers.density_head import DensityHead
from crowdkit.layers.dme import DME
from crowdkit.layers.efficientnet_lite import EfficientNetLiteEncoder
from crowdkit.layers.encoder import Normalize, read_weights as read_weights
from crowdkit.layers.resnet import ResNet101Encoder
from crowdkit.layers.timm_encoder import TimmEncoder
from crowdkit.layers.vgg import VGG16Encoder, VGG19Encoder
from crowdkit.layers.zip_head import BlockBranch, ZIPHead

__all__ = [
    "CRR",
    "DLE",
    "DME",
    "BlockBranch",
    "DensityHead",
    "EfficientNetLiteEncoder",
    "Normalize",
    "ResNet101Encoder",
    "ResidualAttention",
    "TimmEncoder",
    "VGG16Encoder",
    "VGG19Encoder",
    "ZIPHead",
    "attention_weight",
]
