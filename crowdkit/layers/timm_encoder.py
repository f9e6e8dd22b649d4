"""Any timm feature pyramid as an encoder."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, DataError, MissingDependencyError, unknown_name
from crowdkit.layers.encoder import Normalize, read_weights
from crowdkit.ops import pad_to_multiple


class TimmEncoder(nn.Module):
    """A timm ``features_only`` network: features coarse to fine, always NCHW, for images of any size.

    The encoder owns the network's mean and standard deviation, and pads right and bottom with zeros, after
    normalization, to a multiple of the network's deepest stride (32 for most); this way networks that floor and
    networks that ceil return the same sizes.

    Args:
        name: A timm model name.
        weights: ``None`` for random weights, ``"imagenet"`` to download timm's pretrained weights, or a path to a
            file with timm's keys of the whole classifier.
        strides: Strides to return, coarse to fine; ``None`` returns every one of the network (of several
            features of one stride, the last).

    Raises:
        UnknownNameError: If timm has no such model.
        ArgumentError: If the network has no feature at a requested stride.
        DataError: If the file does not match the network.
        MissingDependencyError: If timm or its torchvision does not import.

    Examples:
        >>> import torch
        >>> encoder = TimmEncoder("resnet18", strides=(8, 4))
        >>> encoder.channels, [tuple(f.shape) for f in encoder(torch.rand(1, 3, 30, 41))]
        ((128, 64), [(1, 128, 4, 8), (1, 64, 8, 16)])
    """

    def __init__(
        self, name: str, *, weights: str | Path | None = None, strides: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        try:
            import timm
        except (ImportError, RuntimeError) as error:
            raise MissingDependencyError(
                f"timm: expected it to import, got {error}; install a torchvision that fits torch"
            ) from error
        if not timm.is_model(name):
            near = get_close_matches(name.lower(), timm.list_models(), n=5) or ["resnet18", "vgg16"]
            raise unknown_name("encoder", name, near)

        options = _any_size_options(name)
        probe: Any = timm.create_model(name, features_only=True, **options).feature_info
        reductions: list[int] = list(probe.reduction())
        indices: list[int] = list(probe.out_indices)
        by_stride = dict(zip(reductions, range(len(reductions)), strict=True))
        wanted = tuple(strides) if strides is not None else tuple(sorted(by_stride, reverse=True))
        missing = [stride for stride in wanted if stride not in by_stride]
        if missing or list(wanted) != sorted(set(wanted), reverse=True):
            raise ArgumentError(
                f"strides: expected descending ones among {sorted(by_stride, reverse=True)} for {name}, "
                f"got {wanted}"
            )
        places = [by_stride[stride] for stride in wanted][::-1]
        source = _weight_options(name, weights, options)
        with _no_word_of_the_classifier():
            self.network: nn.Module = timm.create_model(
                name,
                features_only=True,
                out_indices=[indices[place] for place in places],
                **options,
                **source,
            )
        _pad_by_constants(self.network)
        info: Any = self.network.feature_info
        self.channels: tuple[int, ...] = tuple(info.channels())[::-1]
        self.strides: tuple[int, ...] = wanted
        cfg = timm.get_pretrained_cfg(name)
        self.normalize = (
            Normalize(cfg.mean, cfg.std) if cfg else Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        )
        self._channels_last = _gives_channels_last(self.network)
        # A network may have deeper strides than it is asked to return.
        self._multiple = max(reductions)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Extract features.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            Features coarse to fine, at ``strides`` of the padded image.
        """
        x = pad_to_multiple(self.normalize(images), self._multiple)
        features: list[Tensor] = self.network(x)
        if self._channels_last:
            features = [feature.permute(0, 3, 1, 2) for feature in features]
        return features[::-1]


class _SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's padding, for sides divisible by its stride.

    timm computes the padding from the sides. Here it is constant: otherwise a shape tracer has to prove nested
    formulas and does not terminate.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (the parent's name)
        """Pad and convolve."""
        sides: list[int] = []
        for kernel, stride, dilation in zip(self.kernel_size, self.stride, self.dilation, strict=True):
            around = max(dilation * (kernel - 1) + 1 - stride, 0)
            sides = [around // 2, around - around // 2, *sides]
        return super().forward(F.pad(input, sides))


def _pad_by_constants(network: nn.Module) -> None:
    """Make TensorFlow's padding constant in every convolution, with sizes found by running an example."""
    from timm.layers.conv2d_same import Conv2dSame

    for name, module in list(network.named_modules()):
        if type(module) is Conv2dSame:
            size: Any = {
                "kernel_size": module.kernel_size,
                "stride": module.stride,
                "dilation": module.dilation,
            }
            twin = _SameConv2d(
                module.in_channels,
                module.out_channels,
                groups=module.groups,
                bias=module.bias is not None,
                device="meta",
                **size,
            )
            twin.weight, twin.bias = module.weight, module.bias
            network.set_submodule(name, twin)


def _any_size_options(name: str) -> dict[str, Any]:
    """Options that let a network of fixed input size take any size, where timm offers them."""
    import timm

    cfg = timm.get_pretrained_cfg(name)
    if cfg is None or not cfg.fixed_input_size:
        return {}
    tries: tuple[dict[str, Any], ...] = ({"dynamic_img_size": True}, {"strict_img_size": False})
    for options in tries:
        try:
            timm.create_model(name, features_only=True, **options)
        except TypeError:
            continue
        return options
    return {}


@contextmanager
def _no_word_of_the_classifier() -> Iterator[None]:
    """Suppress timm's warning that a file also holds the classifier, which feature networks do not use."""
    log = logging.getLogger("timm.models._builder")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def _gives_channels_last(network: nn.Module) -> bool:
    model = getattr(network, "model", network)
    return "NHWC" in str(getattr(model, "output_fmt", "NCHW"))


def _weight_options(name: str, weights: str | Path | None, options: dict[str, Any]) -> dict[str, Any]:
    import timm

    if weights is None:
        return {}
    if weights == "imagenet":
        return {"pretrained": True}
    state = read_weights(weights)
    expected = timm.create_model(name, **options).state_dict()
    wrong = [key for key in expected if key not in state or state[key].shape != expected[key].shape]
    if wrong:
        listed = ", ".join(wrong[:8]) + (", ..." if len(wrong) > 8 else "")
        raise DataError(
            f"weights: expected timm's {name}, got {weights} without a fitting {listed} "
            f"({len(wrong)} of {len(expected)} tensors)"
        )
    return {"pretrained": True, "pretrained_cfg_overlay": {"file": str(weights)}}
