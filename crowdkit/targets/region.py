"""The crowd region: the target of the coarse attention map."""

from torch import Tensor

from crowdkit.ops import check_stride


def crowd_region(density: Tensor, *, threshold: float = 1e-5, stride: int = 1) -> Tensor:
    r"""Mark the cells that belong to the crowd: the target of the coarse attention map (CAM).

    .. math:: R = [\, D / s^2 \ge t \,]

    Args:
        density: People per cell, any shape.
        threshold: :math:`t`, in people per full-resolution pixel.
        stride: Side of a cell in pixels; the map is divided by its square first, so that the threshold
            keeps its meaning.

    Returns:
        Bool, the shape of ``density``.

    Raises:
        ArgumentError: If ``stride`` is not a positive whole number.

    References:
        The CFANet paper, section 4.1.

    Examples:
        >>> import torch
        >>> crowd_region(torch.tensor([0.0, 1e-6, 1e-5, 0.2]))
        tensor([False, False,  True,  True])
    """
    check_stride(stride)
    return density / stride**2 >= threshold
