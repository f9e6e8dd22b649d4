"""From attention logits to re-weighted features."""

import torch
from torch import Tensor, nn

from crowdkit.errors import ArgumentError, ShapeError


def attention_weight(
    level: Tensor | None = None, region: Tensor | None = None, *, hard: bool = False
) -> Tensor:
    r"""Combine the fine and the coarse attention map into one weight per cell (eq. 1).

    .. math:: A = \sum_{c=0}^{k-1} \operatorname{softmax}(F)_c \, \frac{c}{k-1} + \operatorname{sigmoid}(C)

    The paper's ``FAM = FAM + CAM`` adds a map of k classes to a map of one channel; here the sum is of attention
    weights. The expectation over classes lets the density loss train the branch; ``hard`` takes the most likely
    class, as the paper's text says, and passes no gradient to it.

    Args:
        level: Fine attention (FAM) logits :math:`F`, shape :math:`(B, k, h, w)`, or ``None``.
        region: Coarse attention (CAM) logits :math:`C`, shape :math:`(B, 1, h, w)`, or ``None``.
        hard: Use the weight of the most likely class instead of the expectation.

    Returns:
        Weights, shape :math:`(B, 1, h, w)`: in [0, 1] with one map, in [0, 2] with both.

    Raises:
        ArgumentError: If neither map is given.
        ShapeError: If ``level`` has fewer than two channels or ``region`` more than one.

    References:
        The CFANet paper, equation 1 and section 3.3.

    Examples:
        >>> import torch
        >>> attention_weight(torch.zeros(1, 6, 1, 1), torch.zeros(1, 1, 1, 1))
        tensor([[[[1.]]]])
    """
    weight = None
    if level is not None:
        if level.ndim != 4 or level.shape[1] < 2:
            raise ShapeError(f"level: expected (B, k, h, w) with k >= 2, got {tuple(level.shape)}")
        classes = level.shape[1]
        if hard:
            weight = level.argmax(dim=1, keepdim=True).to(level.dtype) / (classes - 1)
        else:
            ladder = torch.linspace(0, 1, classes, device=level.device, dtype=level.dtype)
            weight = (level.softmax(dim=1) * ladder.view(-1, 1, 1)).sum(dim=1, keepdim=True)
    if region is not None:
        if region.ndim != 4 or region.shape[1] != 1:
            raise ShapeError(f"region: expected (B, 1, h, w), got {tuple(region.shape)}")
        weight = region.sigmoid() if weight is None else weight + region.sigmoid()
    if weight is None:
        raise ArgumentError("level, region: expected at least one attention map, got neither")
    return weight


class ResidualAttention(nn.Module):
    r"""Residual attention fusion (eq. 2): :math:`F + A \cdot F`. No parameters.

    A weight of zero leaves the features unchanged.

    References:
        The CFANet paper, equation 2.

    Examples:
        >>> import torch
        >>> ResidualAttention()(torch.ones(1, 2, 1, 1), torch.full((1, 1, 1, 1), 0.5)).flatten()
        tensor([1.5000, 1.5000])
    """

    def forward(self, feature: Tensor, weight: Tensor) -> Tensor:
        """Re-weight a feature.

        Args:
            feature: Shape :math:`(B, C, h, w)`.
            weight: Attention, shape :math:`(B, 1, h, w)`.

        Returns:
            The shape and type of ``feature``.

        Raises:
            ShapeError: If the sizes differ.
        """
        if weight.shape[-2:] != feature.shape[-2:] or weight.shape[1] != 1:
            raise ShapeError(
                f"weight: expected (B, 1, {feature.shape[-2]}, {feature.shape[-1]}), got {tuple(weight.shape)}"
            )
        # Under autocast a softmax is float32; the features keep their type.
        return torch.addcmul(feature, feature, weight.to(feature.dtype))
