"""The projective map that fits marked points best."""

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.ops import check_points

# Of the normalized equations' singular values, the share of the second smallest in the largest: 0 where marks lie
# on a line, 0.05 for a square seen under a very flat angle.
_DEGENERATE = 1e-2


def fit_homography(pixels: Tensor, meters: Tensor) -> Tensor:
    """Fit the homography from pixels to meters by the normalized direct linear transformation.

    Args:
        pixels: Marks (x, y) in the image, shape (N, 2), N >= 4.
        meters: Where they are on the ground, shape (N, 2).

    Returns:
        Shape (3, 3), float64, scaled so that the third coordinate is positive in front of the camera.

    Raises:
        ShapeError: If there are fewer than four marks, or the numbers differ.
        ArgumentError: If the marks are degenerate or crossed.

    References:
        Hartley and Zisserman. *Multiple View Geometry in Computer Vision*, 2004, algorithm 4.2.
    """
    check_points("pixels", pixels)
    check_points("meters", meters)
    if len(pixels) != len(meters) or len(pixels) < 4:
        raise ShapeError(
            f"pixels, meters: expected four marks or more in both, got {len(pixels)} and {len(meters)}; mark the same "
            "places in both"
        )
    image, ground = pixels.detach().double().cpu(), meters.detach().double().cpu()
    if not (torch.isfinite(image).all() and torch.isfinite(ground).all()):
        raise ArgumentError("pixels, meters: expected finite numbers, got NaN or infinity; correct them")
    into, onto = _normalizer("pixels", image), _normalizer("meters", ground)
    x, y = _apply(into, image).unbind(1)
    u, v = _apply(onto, ground).unbind(1)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    equations = torch.cat(
        [
            torch.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], dim=1),
            torch.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], dim=1),
        ]
    )
    _, sizes, basis = torch.linalg.svd(equations, full_matrices=True)
    solution = basis[-1].reshape(3, 3)
    flat = torch.linalg.svdvals(solution)
    if sizes[7] < _DEGENERATE * sizes[0] or flat[2] < _DEGENERATE * flat[0]:
        raise ArgumentError(
            "pixels, meters: expected four marks of which no three lie on one line, got marks (almost) on a line, or "
            "one place marked twice; spread them over the ground"
        )
    homography: Tensor = torch.linalg.inv(onto) @ solution @ into
    depth = (homography[2] * torch.cat([image, one[:, None]], dim=1)).sum(dim=1)
    if depth.mean() < 0:
        homography, depth = -homography, -depth
    if not (depth > 0).all():
        raise ArgumentError(
            "pixels, meters: expected marks in one order, got crossed ones, with the horizon between them; list the "
            "pixels and the meters of the same places in the same order"
        )
    unit: Tensor = homography / homography.norm()
    return unit


def _normalizer(name: str, points: Tensor) -> Tensor:
    """Move the mean to 0 and the mean distance from it to the square root of 2."""
    middle = points.mean(dim=0)
    away = (points - middle).norm(dim=1).mean()
    if not away > 0:
        raise ArgumentError(
            f"{name}: expected places that differ, got one place {len(points)} times; correct them"
        )
    scale = 2**0.5 / away
    x, y = (-scale * middle).tolist()
    return points.new_tensor([[float(scale), 0, x], [0, float(scale), y], [0, 0, 1]])


def _apply(affine: Tensor, points: Tensor) -> Tensor:
    return points @ affine[:2, :2].T + affine[:2, 2]


def find_camera(homography: Tensor, size: tuple[int, int]) -> Tensor:
    """Find where a camera with square pixels, which looks through the middle of its picture, stands.

    Args:
        homography: From pixels to meters, shape (3, 3).
        size: Height and width of the picture.

    Returns:
        Place (x, y) and height above the plane, in meters, shape (3,), float64.

    Raises:
        ArgumentError: If the homography does not determine it.

    References:
        Zhang. *A Flexible New Technique for Camera Calibration*. TPAMI 2000, equations 3 and 4.
    """
    shift = homography.new_tensor([[1, 0, -size[1] / 2], [0, 1, -size[0] / 2], [0, 0, 1]])
    columns = shift @ torch.linalg.inv(homography)
    one, two = columns[:, 0], columns[:, 1]
    # The images of the two axes are at right angles and of one length: two equations in 1 / f^2.
    flat = torch.stack([one[:2] @ two[:2], one[:2] @ one[:2] - two[:2] @ two[:2]])
    deep = torch.stack([one[2] * two[2], one[2] ** 2 - two[2] ** 2])
    focal = -(flat @ deep) / (flat @ flat)
    # Where the camera looks straight down, both equations are 0 = 0.
    if not (focal > 0 and deep.norm() * size[0] ** 2 > 1e-3 * flat.norm()):
        raise ArgumentError(
            "camera: expected marks that show where it stands, got some that do not (it looks almost straight down, or "
            "the picture is cropped); measure it: (x, y, height) in meters"
        )
    scale = columns.new_tensor([float(focal.sqrt()), float(focal.sqrt()), 1.0])
    first, second, offset = (scale[:, None] * columns).T
    length = (first.norm() + second.norm()) / 2
    first, second, offset = first / first.norm(), second / second.norm(), offset / length
    # The sign of the homography does not matter: it turns all three around, and the place stays.
    rotation = torch.stack([first, second, torch.linalg.cross(first, second)], dim=1)
    place: Tensor = -torch.linalg.solve(rotation, offset)
    place[2] = place[2].abs()
    return place
