"""Unbalanced optimal transport between a map and heads, where mass on either side may stay behind."""

import math

import torch
from torch import Tensor, library
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.ops._pairs import block, check_cells, log2_sum, offsets
from crowdkit.ops.checks import check_stride

# Iterations in logarithms before the plan is fixed and only scaled.
_CAREFUL = 3
# Largest exponent of 2 in a later scaling: far more than a potential still changes.
_MOST = 100.0
_LEAST = 1e-37


def unbalanced_transport(
    density: Tensor,
    points: Tensor,
    *,
    stride: int = 1,
    scale: float = 0.6,
    slope: float = 0.0,
    unit: float = 512.0,
    entropy: float = 0.01,
    tau: float = 0.1,
    iterations: int = 50,
) -> Tensor:
    r"""Entropic cost of transporting a map to heads, with a penalty on mass that does not match.

    .. math:: \min_{P \ge 0} \sum_{mn} P_{mn} C_{mn} + \epsilon \sum_{mn} P_{mn} \log P_{mn}
        + \tau \sum_m \Big( \sum_n P_{mn} - a_m \Big)^2 + \tau \sum_n \Big| \sum_m P_{mn} - 1 \Big|

    for cells with :math:`a_m` people and heads of one person each, at the cost

    .. math:: C_{mn} = \exp\frac{\lVert z_m - x_n \rVert}{\eta_{mn} u} - 1, \quad
        \eta_{mn} = \eta_0 + \eta_1 \frac{y_m + y_n}{2 u}

    at a distance in pixels, with ``unit`` :math:`u`, ``scale`` :math:`\eta_0` and ``slope`` :math:`\eta_1`.

    The value is the dual value at the potentials found, a lower bound that is tight at convergence:

    .. math:: \sum_m \Big( f_m a_m - \frac{f_m^2}{4 \tau} \Big) + \sum_n g_n
        - \epsilon \sum_{mn} e^{(f_m + g_n - C_{mn}) / \epsilon - 1}, \quad |g_n| \le \tau

    Its gradient is the cells' potential, :math:`f_m = 2 \tau (a_m - \sum_n P_{mn})`. Each step maximizes over one
    side: :math:`g` in closed form, :math:`f` by Newton's method on :math:`x + e^x = \omega` in every cell (Lambert's
    function). After three steps in logarithms the plan, whose entries cannot overflow, is fixed and only scaled, with
    two matrix products per step. Memory is 4 bytes per pair in float32: 150 MB for 3,000 heads and 12,000 cells.
    None of it is kept for the backward pass.

    Args:
        density: People per cell, shape :math:`(h, w)`; may be negative.
        points: Heads (x, y) in continuous pixels of the full-resolution canvas, shape :math:`(N, 2)`,
            :math:`N \ge 1`.
        stride: Side of a cell in pixels.
        scale: Distance, in units, over which the cost grows by a factor of e, at the top of the canvas.
        slope: How much ``scale`` grows per unit towards the bottom; not negative.
        unit: Length in pixels of one unit.
        entropy: Weight of the entropy :math:`\epsilon`.
        tau: Penalty :math:`\tau` on unmatched people in the map (squared) and on heads without people.
        iterations: Number of Sinkhorn steps; all are run, so that no convergence check synchronizes a GPU.

    Returns:
        A scalar, of the type of ``density``; negative where the entropy outweighs the rest.

    Raises:
        ShapeError: If ``density`` is not :math:`(h, w)`, or ``points`` not :math:`(N, 2)` with at least one head.
        DTypeError: If ``points`` is not floating point.
        ArgumentError: If a number is outside its range.

    References:
        Wan, Liu and Chan. *A Generalized Loss Function for Crowd Counting and Localization*. CVPR 2021.
        Chizat, Peyré, Schmitzer and Vialard. *Scaling Algorithms for Unbalanced Optimal Transport Problems*.
        Mathematics of Computation 2018.

    Examples:
        >>> import torch
        >>> empty = torch.zeros(1, 2)
        >>> unbalanced_transport(empty, torch.tensor([[1e3, 0.5]]))  # out of reach: the price of a head
        tensor(0.1000)
    """
    check_cells("density", density, points)
    check_stride(stride)
    check_stride(iterations, name="iterations")
    for name, number in (("scale", scale), ("unit", unit), ("entropy", entropy), ("tau", tau)):
        if not (math.isfinite(number) and number > 0):
            raise ArgumentError(f"{name}: expected a finite number > 0, got {number!r}")
    if not (math.isfinite(slope) and slope >= 0):
        raise ArgumentError(f"slope: expected a finite number >= 0, got {slope!r}")
    rest, cells = _unbalanced_sinkhorn(
        density.detach(), points.detach(), stride, scale, slope, unit, entropy, tau, iterations
    )
    value: Tensor = rest + (density * cells).sum()
    return value


# One opaque node in a graph: tracing the iterations would create thousands.
@library.custom_op("crowdkit::unbalanced_sinkhorn", mutates_args=())
def _unbalanced_sinkhorn(
    density: Tensor,
    points: Tensor,
    stride: int,
    scale: float,
    slope: float,
    unit: float,
    entropy: float,
    tau: float,
    iterations: int,
) -> tuple[Tensor, Tensor]:
    """The value without the part linear in the density, and the cells' potential (h, w)."""
    with torch.autocast(density.device.type, enabled=False):
        cost = _cost(points.to(density.dtype), density, stride, scale, slope, unit)
        # Potentials and costs to base 2, in units of the entropy; the last term is the factor 1 / e of the plan.
        plan = cost.mul_(-1 / (entropy * math.log(2))).sub_(1 / math.log(2))
        people, bound = density.flatten(), tau / entropy / math.log(2)
        cells = torch.zeros_like(people)
        for _ in range(min(_CAREFUL, iterations)):
            reached = _blocks(plan, cells, by_head=True)
            heads = (-reached).clamp(-bound, bound)
            cells, carried = _respond(_blocks(plan, heads, by_head=False), people, entropy, tau)
        first, others = cells, heads
        _take(plan, first, others)
        for _ in range(iterations - _CAREFUL):
            found = plan @ (cells - first).clamp(max=_MOST).exp2()
            heads = (others - found.clamp(min=_LEAST).log2()).clamp(-bound, bound)
            found = (heads - others).clamp(max=_MOST).exp2() @ plan
            found = found.clamp(min=_LEAST).log2() - first
            cells, carried = _respond(found, people, entropy, tau)
        potential = cells * (entropy * math.log(2))
        rest = (
            heads.sum() * (entropy * math.log(2))
            - entropy * carried.sum()
            - potential.square().sum() / (4 * tau)
        )
        return rest, potential.reshape(density.shape)


@_unbalanced_sinkhorn.register_fake
def _(density: Tensor, *_: object) -> tuple[Tensor, Tensor]:
    return density.new_empty(()), density.new_empty(density.shape)


def _cost(points: Tensor, density: Tensor, stride: int, scale: float, slope: float, unit: float) -> Tensor:
    """Cost of each pair of a head and a cell (N, h w), in one large tensor."""
    across, down = (each / unit for each in offsets(points, density, stride))
    cost = (across.square()[:, None] + down.square()[:, :, None]).sqrt_()
    head = points[:, 1:].clamp(min=0) / unit
    cell = (head - down).clamp(min=0)
    cost.div_((scale + slope / 2 * (head + cell))[:, :, None]).expm1_()
    return cost.clamp_(max=1e6).flatten(1)


def _blocks(plan: Tensor, potential: Tensor, *, by_head: bool) -> Tensor:
    """Logarithm of the plan's sums, weighted by the other side's potential, block by block."""
    if by_head:
        rows = torch.split(plan, block(plan, plan.shape[1]))
        return torch.cat([log2_sum(each + potential, (1,)) for each in rows])
    columns = torch.split(plan, block(plan, len(plan)), dim=1)
    return torch.cat([log2_sum(each + potential[:, None], (0,)) for each in columns])


def _take(plan: Tensor, cells: Tensor, heads: Tensor) -> None:
    """Exponentiate logarithms in place into the plan of two potentials."""
    several = block(plan, plan.shape[1])
    for part, own in zip(torch.split(plan, several), torch.split(heads, several), strict=True):
        part.add_(cells).add_(own[:, None]).exp2_()


def _respond(reached: Tensor, people: Tensor, entropy: float, tau: float) -> tuple[Tensor, Tensor]:
    """The best potential of each cell, to base 2, and the mass that each cell then provides.

    The provided mass s solves s exp(k s) = z exp(k a) with k = 2 tau / entropy and z the mass requested: with
    x = log(k s), x + exp(x) = omega.
    """
    k = 2 * tau / entropy
    omega = math.log(k) + reached * math.log(2) + k * people
    x = torch.where(omega > 1, omega.clamp(min=1).log(), omega - F.softplus(omega.clamp(max=1)))
    for _ in range(4):
        power = x.exp()
        x = x - (x + power - omega) / (1 + power)
    # a - s from the logarithms of s and z, where the two are almost equal.
    return (x - math.log(k)) / math.log(2) - reached, x.exp() / k
