"""CFANet as the paper's figure 2 draws it, in plain torch: upsample, concatenate, convolve."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.models import CFANet
from crowdkit.prediction import Prediction


def plain_cfanet(model: CFANet, images: Tensor, *, sides: bool) -> Prediction:
    """Run the weights of a CFANet with VGG-16 the plain way.

    Args:
        model: Provides the weights, and nothing else; sides of the images are multiples of 8.
        images: RGB in [0, 1].
        sides: Whether to compute the side outputs, each a convolution at full size of the upsampled feature.

    Returns:
        The model's output: that of training if ``sides``, otherwise that of ``eval()``.
    """
    skips = _encode(model.encoder, images)
    regions, levels = _branch(model.crr, skips[0]), _branch(model.dle, skips[0])
    dme = model.dme
    x = torch.cat([skips[0], skips[0]], dim=1) if dme.deep_skip else skips[0]
    maps = []
    for index, (stage, skip) in enumerate(zip(dme.stages, skips, strict=True)):
        if index > 0:
            x = torch.cat([_upsample(x), skip], dim=1)
        x = F.relu(stage(x), inplace=True)
        ladder = torch.linspace(0, 1, levels[index].shape[1], device=x.device).view(-1, 1, 1)
        level = (levels[index].softmax(dim=1) * ladder).sum(dim=1, keepdim=True)
        x = x + x * (level + regions[index].sigmoid()).to(x.dtype)
        if sides and index + 1 < len(skips):
            maps.append(dme.sides[str(index + 1)](_upsample(x, 2 ** (len(skips) - 1 - index))))
    maps.append(dme.final(x))
    *stages, density = (F.softplus(each.float()) / model.expansion for each in maps)
    if not sides:
        return Prediction(density)
    return Prediction(density, tuple(stages), tuple(regions), tuple(levels))


def _encode(encoder: nn.Module, images: Tensor) -> list[Tensor]:
    x = (images - encoder.normalize.mean) / encoder.normalize.std
    features = []
    for layer in encoder.features:
        if isinstance(layer, nn.MaxPool2d):
            features.append(x)
        x = F.relu(x, inplace=True) if isinstance(layer, nn.ReLU) else layer(x)
    return [x, *features[::-1]]


def _branch(branch: nn.Module, x: Tensor) -> list[Tensor]:
    logits = []
    for index, (stage, head) in enumerate(zip(branch.stages, branch.heads, strict=True)):
        x = F.relu(stage(x if index == 0 else _upsample(x)), inplace=True)
        logits.append(head(x))
    return logits


def _upsample(x: Tensor, factor: int = 2) -> Tensor:
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)
