"""The VGG-16 front end that the field grew up on."""

from pathlib import Path

import torch
from torch import Tensor, nn

from crowdkit.errors import DataError
from crowdkit.layers.encoder import Normalise, read_weights
from crowdkit.ops import pad_to_multiple

_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512))


class VGG16Encoder(nn.Module):
    """The first ten convolutions and three poolings of VGG-16: features at strides 8, 4, 2 and 1.

    Keys are torchvision's (``features.0.weight`` ...). The encoder owns the ImageNet mean and standard
    deviation, and pads right and bottom by zeros, after normalisation, to a multiple of 8.

    Args:
        weights: ``None`` for a random start, ``"imagenet"`` to fetch torchvision's ImageNet weights, or a
            path to a ``.safetensors`` or ``.pth`` file with torchvision's keys (deeper layers are left out).

    Raises:
        DataError: If the file lacks a layer or a shape differs; the message lists them.

    References:
        Simonyan and Zisserman. *Very Deep Convolutional Networks*. ICLR 2015; the CFANet paper, section 3.1.

    Examples:
        >>> import torch
        >>> [tuple(f.shape) for f in VGG16Encoder()(torch.rand(1, 3, 30, 40))]
        [(1, 512, 4, 5), (1, 256, 8, 10), (1, 128, 16, 20), (1, 64, 32, 40)]
    """

    channels = (512, 256, 128, 64)
    strides = (8, 4, 2, 1)

    def __init__(self, weights: str | Path | None = None) -> None:
        super().__init__()
        self.normalise = Normalise((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        layers: list[nn.Module] = []
        self._ends = []
        inputs = 3
        for index, widths in enumerate(_STAGES):
            if index > 0:
                layers.append(nn.MaxPool2d(2))
            for width in widths:
                layers += [nn.Conv2d(inputs, width, kernel_size=3, padding=1), nn.ReLU()]
                inputs = width
            self._ends.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)
        if weights is not None:
            self._load(_imagenet() if weights == "imagenet" else read_weights(weights), str(weights))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Extract features.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            Features coarse to fine, at strides 8, 4, 2, 1 of the padded image.
        """
        x = pad_to_multiple(self.normalise(images), self.strides[0])
        features = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self._ends:
                features.append(x)
        return features[::-1]

    def _load(self, state: dict[str, Tensor], source: str) -> None:
        own = self.features.state_dict(prefix="features.")
        wrong = [key for key in own if key not in state or state[key].shape != own[key].shape]
        if wrong:
            raise DataError(
                f"weights: expected VGG-16 with torchvision's keys, got {source} without a fitting "
                f"{', '.join(wrong)}"
            )
        self.load_state_dict({key: state[key] for key in own})


def _imagenet() -> dict[str, Tensor]:
    from torchvision.models import VGG16_Weights

    state: dict[str, Tensor] = VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    return {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}
