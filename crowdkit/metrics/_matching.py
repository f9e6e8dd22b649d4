"""Points and heads, matched one to one within a distance."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError


def matched_heads(
    points: Tensor, heads: Tensor, thresholds: Sequence[float], radius: Tensor | None = None
) -> list[int]:
    """Count the pairs of a point and a head, no one in two, that are within each threshold: the most there can be.

    Only pairs that are near each other are held, so that thousands of heads take little memory.

    Args:
        points: Shape (n, 2).
        heads: Shape (m, 2).
        thresholds: Distances in pixels, or in radii.
        radius: Pixels a head, shape (m,); 1 if ``None``.

    Returns:
        A number of pairs a threshold.

    Raises:
        ArgumentError: If a coordinate is not finite.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching
    from scipy.spatial import KDTree

    if len(points) == 0 or len(heads) == 0:
        return [0] * len(thresholds)
    found, there = (each.detach().to("cpu", torch.float64) for each in (points, heads))
    if not (torch.isfinite(found).all() and torch.isfinite(there).all()):
        raise ArgumentError(
            "points: expected finite coordinates, got NaN or infinity; look where they come from"
        )
    reach = torch.ones(len(there)).double() if radius is None else radius.detach().to("cpu", torch.float64)
    tree: Any = KDTree
    sparse: Any = csr_matrix
    # A hair more than the largest distance: the threshold itself, inclusive, is judged below.
    near = tree(found.numpy()).query_ball_point(there.numpy(), (max(thresholds) * reach * (1 + 1e-9)).numpy())
    numbers = torch.tensor([len(each) for each in near])
    head = torch.repeat_interleave(torch.arange(len(there)), numbers)
    point = torch.tensor([index for each in near for index in each], dtype=torch.int64)
    distance = (found[point] - there[head]).norm(dim=1) / reach[head]
    pairs = []
    for threshold in thresholds:
        kept = distance <= threshold
        graph = sparse(
            (torch.ones(int(kept.sum())).numpy(), (head[kept].numpy(), point[kept].numpy())),
            shape=(len(there), len(found)),
        )
        pairs.append(int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum()))
    return pairs
