"""The end of a network that estimates density: from features to people per cell."""

from math import isfinite, log

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.ops import check_stride


class DensityHead(nn.Module):
    r"""Density head: a 1 x 1 convolution and a softplus that start at the mean density of the training set.

    .. math:: \hat D = s^2 \, \bar\rho \, \frac{\ln(1 + e^z)}{\ln 2}

    with :math:`z` the convolution's output, which is 0 nearly everywhere at the start, :math:`s` the ``stride`` and
    :math:`\bar\rho` the ``mean_density``. A loss of structures holds on to little when a map starts far from the
    truth. Softplus is never negative, can be as small as a background wants it, and has a slope everywhere: where a
    ReLU is 0 everywhere, no loss brings it back.

    No output saves a network from a loss that pays for silence; :class:`crowdkit.losses.GraduatedBSL` does not.

    Args:
        in_channels: Channels of the features, which need no last activation.
        stride: Side of a cell in pixels.
        mean_density: Mean of the true maps in people per full-resolution pixel: ``DensityScale.fit(maps,
            stride=stride).mean`` of :class:`crowdkit.targets.DensityScale`. ShanghaiTech A has 0.00095, B 0.00017.

    Raises:
        ArgumentError: If ``stride`` is not a whole number >= 1, or ``mean_density`` not a number > 0.

    Examples:
        >>> import torch
        >>> head = DensityHead(32, stride=8, mean_density=0.001)
        >>> density = head(torch.rand(2, 32, 30, 40))
        >>> density.shape
        torch.Size([2, 1, 30, 40])
        >>> people = density.sum(dim=(1, 2, 3))  # 0.001 * 240 * 320 = 76.8, roughly
        >>> bool(((people > 60) & (people < 95)).all())
        True
    """

    def __init__(self, in_channels: int, *, stride: int, mean_density: float = 5e-4) -> None:
        super().__init__()
        check_stride(stride)
        if isinstance(mean_density, bool) or not (isfinite(mean_density) and mean_density > 0):
            raise ArgumentError(
                f"mean_density: expected a finite number > 0, got {mean_density!r}; "
                "DensityScale.fit(maps, stride=...).mean measures it"
            )
        self.stride = stride
        self.mean_density = float(mean_density)
        self.conv = nn.Conv2d(in_channels, 1, kernel_size=1)
        nn.init.normal_(self.conv.weight, std=0.01)
        nn.init.zeros_(self.conv.get_parameter("bias"))

    def forward(self, features: Tensor) -> Tensor:
        """Estimate people per cell.

        Args:
            features: Shape :math:`(B, C, h, w)`.

        Returns:
            Density, shape :math:`(B, 1, h, w)`; float32 under autocast, since a cell can hold 1e-4 people.
        """
        linear = self.conv(features)
        if linear.dtype != torch.float64:
            linear = linear.float()
        return F.softplus(linear) * (self.stride**2 * self.mean_density / log(2))

    def extra_repr(self) -> str:
        """Name the settings in ``repr``."""
        return f"stride={self.stride}, mean_density={self.mean_density:g}"
