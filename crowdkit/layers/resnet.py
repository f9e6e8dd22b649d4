"""ResNet-101 cut after its third stage, at stride 8."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from crowdkit.errors import DataError, MissingDependencyError
from crowdkit.layers._checkpoint import without_shared_prefix
from crowdkit.layers.encoder import Normalize, read_weights
from crowdkit.ops import pad_to_multiple


class ResNet101Encoder(nn.Module):
    """ResNet-101 up to its third stage with the stage's stride removed: 1,024 channels at stride 8.

    People in crowds are small, so the third stage's stride of 2 is removed, without a dilation in its place. Keys
    are torchvision's (``conv1.weight``, ``layer1.0.conv1.weight`` ...), which timm shares. The strided convolutions
    do their own padding, so that an image of any size gives ceil(H / 8) x ceil(W / 8) cells. An image of a single
    cell is padded with zeros to 16 x 16 pixels, after normalization, because the batch statistics of one value are
    undefined.

    Args:
        weights: ``None`` for random weights, ``"imagenet"`` to download torchvision's first ImageNet weights, or a
            path to a file with these keys (those of the fourth stage and the classifier are ignored).
        blocks: Bottlenecks in each of the three stages.
        mean: Mean of each channel, for values in [0, 1].
        std: Standard deviation of each channel.

    Raises:
        DataError: If the file lacks a layer or a shape differs; the message lists them.
        MissingDependencyError: If torchvision does not import.

    References:
        He, Zhang, Ren and Sun. *Deep Residual Learning for Image Recognition*. CVPR 2016; Wang, Gao, Lin
        and Yuan. *Learning from Synthetic Data for Crowd Counting in the Wild*. CVPR 2019, section 4.

    Examples:
        >>> import torch
        >>> encoder = ResNet101Encoder(blocks=(1, 1, 1))
        >>> [tuple(f.shape) for f in encoder(torch.rand(1, 3, 30, 41))]
        [(1, 1024, 4, 6)]
    """

    channels = (1024,)
    strides = (8,)

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        blocks: Sequence[int] = (3, 4, 23),
        mean: Sequence[float] = (0.485, 0.456, 0.406),
        std: Sequence[float] = (0.229, 0.224, 0.225),
    ) -> None:
        super().__init__()
        try:
            from torchvision.models.resnet import Bottleneck, ResNet
        except (ImportError, RuntimeError) as error:
            raise MissingDependencyError(
                f"torchvision: expected it to import, got {error}; install one that fits torch"
            ) from error
        network = ResNet(Bottleneck, [*blocks, 1])
        self.normalize = Normalize(mean, std)
        self.conv1, self.bn1 = network.conv1, network.bn1
        self.relu, self.maxpool = network.relu, network.maxpool
        self.layer1, self.layer2, self.layer3 = network.layer1, network.layer2, network.layer3
        first: Any = network.layer3[0]
        first.conv2.stride = first.downsample[0].stride = (1, 1)
        if weights is not None:
            self._load(_imagenet() if weights == "imagenet" else read_weights(weights), str(weights))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Extract features.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            A list of one feature, at stride 8.
        """
        x = self.normalize(images)
        if max(x.shape[-2:]) <= self.strides[0]:
            x = pad_to_multiple(x, 2 * self.strides[0])
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return [self.layer3(self.layer2(self.layer1(x)))]

    def _load(self, state: dict[str, Tensor], source: str) -> None:
        own = self.state_dict()
        state = without_shared_prefix(state, own)
        # Files older than torch 0.4 do not count batches.
        given = {key: state.get(key, value) for key, value in own.items() if key.endswith("batches_tracked")}
        given |= {key: state[key] for key in own if key in state}
        wrong = [key for key in own if key not in given or given[key].shape != own[key].shape]
        if wrong:
            listed = ", ".join(wrong[:8]) + (", ..." if len(wrong) > 8 else "")
            raise DataError(
                f"weights: expected ResNet-101 with torchvision's keys, got {source} without a fitting {listed} "
                f"({len(wrong)} of {len(own)} tensors)"
            )
        self.load_state_dict(given)


def _imagenet() -> dict[str, Tensor]:
    from torchvision.models import ResNet101_Weights

    state = ResNet101_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    return {key: value for key, value in state.items() if isinstance(value, Tensor)}
