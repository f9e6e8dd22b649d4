"""The width of each head's Gaussian: the geometry-adaptive rule and every published rule by name."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, unknown_name
from crowdkit.ops import check_points


def adaptive_sigma(
    points: Tensor,
    *,
    size: tuple[int, int] | None = None,
    beta: float = 0.3,
    neighbors: int = 3,
    minimum: float = 0.5,
    maximum: float | None = None,
    single: float = 15.0,
) -> Tensor:
    r"""Compute each head's sigma from the distances to its nearest neighbors.

    .. math:: \sigma_i = \beta \, \frac{1}{K} \sum_{j=1}^{K} \lVert p_i - p_{i(j)} \rVert

    The paper's text omits :math:`\beta`; MCNN, which it follows, and all known code use 0.3. With fewer than
    :math:`K + 1` heads, the existing neighbors are averaged.

    Args:
        points: Heads (x, y) in pixels, shape :math:`(N, 2)`.
        size: Canvas :math:`(H, W)`; used only to cap the sigma of a single head.
        beta: Factor :math:`\beta` on the mean distance.
        neighbors: Number of neighbors :math:`K` that are averaged.
        minimum: Floor in pixels; coincident heads have distance 0.
        maximum: Cap in pixels, or ``None``.
        single: Sigma of a single head; at most a quarter of the mean side when ``size`` is given.

    Returns:
        Sigmas in pixels, float32, shape :math:`(N,)`, on the device of ``points``.

    Raises:
        ShapeError: If ``points`` is not :math:`(N, 2)`.
        ArgumentError: If ``neighbors`` < 1, or the bounds are not positive and in order.

    References:
        Zhang et al. *Single-Image Crowd Counting via Multi-Column CNN*. CVPR 2016, section 2.2; the CFANet
        paper, section 4.1.

    Examples:
        >>> import torch
        >>> adaptive_sigma(torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]]))
        tensor([3.0000, 3.6213, 3.6213])
    """
    check_points("points", points)
    if neighbors < 1:
        raise ArgumentError(f"neighbors: expected a whole number >= 1, got {neighbors}")
    if minimum <= 0 or (maximum is not None and maximum < minimum):
        raise ArgumentError(f"minimum, maximum: expected 0 < minimum <= maximum, got {minimum}, {maximum}")
    if len(points) < 2:
        lone = single if size is None else min(single, (size[0] + size[1]) / 2 / 4)
        sigma = torch.full((len(points),), lone, dtype=torch.float64, device=points.device)
    else:
        sigma = beta * nearest_distances(points, neighbors).mean(dim=1)
    return sigma.clamp(min=minimum, max=maximum).to(torch.float32)


def box_sigma(sizes: Tensor, *, share: float = 0.25, minimum: float = 0.5) -> Tensor:
    r"""Compute each head's sigma from the size of its box, :math:`\sigma_i = \max(r \, s_i, \sigma_{min})`.

    With a quarter of the side, 95 % of a kernel along either axis lies on its head.

    Args:
        sizes: Side of each head in pixels, shape :math:`(N,)`.
        share: :math:`r`, sigma as a share of the side.
        minimum: Floor in pixels, :math:`\sigma_{min}`.

    Returns:
        Sigmas in pixels, float32, shape :math:`(N,)`.

    Raises:
        ArgumentError: If ``share`` or ``minimum`` is not above 0.

    Examples:
        >>> import torch
        >>> box_sigma(torch.tensor([1.0, 20.0]))
        tensor([0.5000, 5.0000])
    """
    if not (share > 0 and minimum > 0):
        raise ArgumentError(f"share, minimum: expected numbers above 0, got {share} and {minimum}")
    return (share * sizes).clamp(min=minimum).to(torch.float32)


def nearest_distances(points: Tensor, neighbors: int) -> Tensor:
    """Distances from each of N >= 2 heads to its nearest other heads, ascending, (N, min(neighbors, N - 1))."""
    from scipy.spatial import KDTree

    places = points.detach().to("cpu", torch.float64)
    nearest = min(neighbors, len(places) - 1)
    make: Any = KDTree
    tree = make(places.numpy(), leafsize=16, balanced_tree=False)
    # Asked in the tree's order, neighbors follow each other and their leaves are in the cache: twice as fast.
    order = torch.from_numpy(tree.indices)
    found, _ = tree.query(places[order].numpy(), k=nearest + 1)
    distances = torch.empty(len(places), nearest, dtype=torch.float64)
    # Column 0 is the head itself, or a coincident one, which is the same distance.
    distances[order] = torch.from_numpy(found[:, 1:])
    return distances.to(points.device)


@dataclass(frozen=True)
class SigmaRule:
    """A published rule: sigmas from heads and canvas, and the radius of its kernels.

    A rule defines the sigmas only; borders and sums are ours (:func:`crowdkit.targets.density_map`), because most of
    the originals lose people at the border.

    Attributes:
        name: Its name in crowdkit.
        source: Its origin.
        rule: ``rule(points, (H, W))`` returns :math:`(N,)` sigmas in pixels.
        truncate: Radius of the kernel's window in standard deviations.
    """

    name: str
    source: str
    rule: Callable[[Tensor, tuple[int, int]], Tensor]
    truncate: float = 4.0

    def __call__(self, points: Tensor, size: tuple[int, int]) -> Tensor:
        """Sigmas in pixels of heads (N, 2) on a canvas (H, W), float32, shape (N,)."""
        check_points("points", points)
        return self.rule(points, size)


def _fixed(points: Tensor, _: tuple[int, int], *, sigma: float) -> Tensor:
    return torch.full((len(points),), sigma, device=points.device)


def _adaptive(
    points: Tensor,
    size: tuple[int, int],
    *,
    beta: float = 0.3,
    minimum: float = 0.5,
    maximum: float | None = None,
    single: float = 15.0,
) -> Tensor:
    return adaptive_sigma(points, size=size, beta=beta, minimum=minimum, maximum=maximum, single=single)


def _dssinet(points: Tensor, size: tuple[int, int]) -> Tensor:
    if len(points) <= 6:
        return torch.full((len(points),), 0.3 * min(min(size) / 8, 100.0), device=points.device)
    return adaptive_sigma(points, size=size, neighbors=5)


def _focus_for_free(points: Tensor, size: tuple[int, int]) -> Tensor:
    # The original averages the first five sorted distances including the zero to itself (so four neighbors
    # over five), then smooths sigma over the heads within a sixteenth of the image.
    if len(points) < 2:
        return adaptive_sigma(points, size=size)
    own = 0.3 * nearest_distances(points, 4).sum(dim=1) / min(5, len(points))
    places = points.to(torch.float64)
    reach_y, reach_x = size[0] / 16, size[1] / 16
    smooth = torch.empty_like(own)
    for start in range(0, len(places), 1024):
        away = (places[start : start + 1024, None] - places[None]).abs()
        near = ((away[..., 0] <= reach_x) & (away[..., 1] <= reach_y)).to(own.dtype)
        smooth[start : start + 1024] = (near @ own) / near.sum(dim=1)
    return smooth.clamp(min=0.5).to(torch.float32)


_RULES = {
    rule.name: rule
    for rule in (
        SigmaRule("cfanet", "0.3 x mean of 3 neighbors; the CFANet authors on UCF-QNRF", _adaptive),
        SigmaRule("cfanet-sha", "0.3 x mean of 3 neighbors, in [4, 10]; the CFANet authors on ShanghaiTech A",
                  partial(_adaptive, minimum=4.0, maximum=10.0)),
        SigmaRule("cfanet-shb", "15 px; the CFANet authors on ShanghaiTech B", partial(_fixed, sigma=15.0)),
        SigmaRule("cfanet-qnrf", "0.3 x mean of 3 neighbors, unclipped; the CFANet authors", _adaptive),
        SigmaRule("cfanet-mall", "3 px; the CFANet authors on Mall", partial(_fixed, sigma=3.0)),
        SigmaRule("cfanet-text", "mean of 3 neighbors without a factor; the CFANet paper's words, section 4.1",
                  partial(_adaptive, beta=1.0)),
        SigmaRule("mcnn", "0.3 x mean neighbor distance; Zhang et al., CVPR 2016", _adaptive),
        SigmaRule("csrnet-sha", "0.3 x mean of 3 neighbors, a lone head a quarter of the mean side; CSRNet's "
                  "make_dataset on ShanghaiTech A", partial(_adaptive, single=math.inf)),
        SigmaRule("csrnet-shb", "15 px; CSRNet's make_dataset on ShanghaiTech B", partial(_fixed, sigma=15.0)),
        SigmaRule("can-shb", "15 px; CAN on ShanghaiTech B", partial(_fixed, sigma=15.0)),
        SigmaRule("dsnet-sha", "0.3 x mean of 3 neighbors, in [4, 10]; DSNet on ShanghaiTech A",
                  partial(_adaptive, minimum=4.0, maximum=10.0)),
        SigmaRule("dssinet", "0.3 x mean of 5 neighbors, up to six heads 0.3 x min(short side / 8, 100); "
                  "DSSINet's density_gen", _dssinet),
        SigmaRule("c3f", "4 px in a 15 x 15 window; C3F's MATLAB scripts", partial(_fixed, sigma=4.0), truncate=1.75),
        SigmaRule("nwpu", "4 px, 15 x 15 window; NWPU-Crowd, STEERER", partial(_fixed, sigma=4.0), truncate=1.75),
        SigmaRule("focus-for-free", "0.3 x mean of the first 5 sorted distances, smoothed over a sixteenth of "
                  "the image, kernels over the whole image; Shi et al., ICCV 2019", _focus_for_free,
                  truncate=math.inf),
    )
}  # fmt: skip


def list_sigma_rules() -> list[str]:
    """List the names that :func:`sigma_rule` accepts.

    Examples:
        >>> "csrnet-shb" in list_sigma_rules()
        True
    """
    return sorted(_RULES)


def sigma_rule(sigma: str | float | SigmaRule) -> SigmaRule:
    """Make a rule for sigma from what a user says.

    Args:
        sigma: One of :func:`list_sigma_rules`, a number of pixels for every head, or a rule, which is returned.

    Returns:
        The rule; call it with heads and canvas, and pass its ``truncate`` to :func:`density_map`.

    Raises:
        UnknownNameError: If there is no rule of that name.
        ArgumentError: If the number is not positive and finite.

    Examples:
        >>> import torch
        >>> rule = sigma_rule("csrnet-shb")
        >>> rule(torch.zeros(2, 2), (768, 1024))
        tensor([15., 15.])
        >>> sigma_rule(4).name
        '4'
    """
    if isinstance(sigma, SigmaRule):
        return sigma
    if isinstance(sigma, str):
        if sigma not in _RULES:
            raise unknown_name("sigma rule", sigma, _RULES)
        return _RULES[sigma]
    if not 0 < sigma < math.inf:
        raise ArgumentError(f"sigma: expected a positive number of pixels, got {sigma}; raise it")
    return SigmaRule(f"{sigma:g}", f"{sigma:g} px", partial(_fixed, sigma=float(sigma)))
