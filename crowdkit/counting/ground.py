"""The ground under a crowd: meters from pixels, and people per square meter."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from crowdkit.counting._homography import find_camera, fit_homography
from crowdkit.data import Zone
from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.ops import check_map, check_points, check_stride

# A cell is on the ground if it lies this far below the horizon, as a share of how far the lowest row lies.
_HORIZON = 1e-6


@dataclass(frozen=True, eq=False)
class Ground:
    """A flat ground as a camera sees it: where each pixel is in meters, and how large.

    Made from marks with :meth:`fit` or :meth:`rectangle`, or read from a file with :func:`read_ground`. Nothing is
    promised at or above the horizon: what lies there is NaN.

    A head is higher than the ground under it, and seen before ground farther away: a density on the ground's plane is
    too low by :math:`(1 - z / h)^2` for heads at height :math:`z` and a camera at height :math:`h`, by 47 % for
    1.6 and 6 meters. Mark places at the height of heads, or take :meth:`raised`.

    Attributes:
        homography: From pixels (x, y, 1) to meters, up to scale, shape (3, 3), float64; its third coordinate is
            positive below the horizon.
        residual: Root of the mean squared distance between marks and fit, in meters; 0 for four marks.
    """

    homography: Tensor
    residual: float = 0.0

    @classmethod
    def fit(cls, pixels: Tensor, meters: Tensor) -> "Ground":
        """Fit the ground to marked places, by least squares.

        Args:
            pixels: Marks (x, y) in continuous pixels, shape (N, 2), four or more.
            meters: Where they are on the ground, shape (N, 2), in any axes at right angles.

        Returns:
            The ground, with its residual.

        Raises:
            ShapeError: If there are fewer than four marks, or the numbers differ.
            ArgumentError: If three of four marks lie on a line, or their orders are crossed.

        Examples:
            >>> import torch
            >>> pixels = torch.tensor([[300.0, 200.0], [340.0, 200.0], [600.0, 480.0], [40.0, 480.0]])
            >>> meters = torch.tensor([[0.0, 28.0], [4.0, 28.0], [4.0, 0.0], [0.0, 0.0]])
            >>> ground = Ground.fit(pixels, meters)
            >>> ground.to_meters(torch.tensor([[320.0, 200.0], [320.0, 100.0]])).round(decimals=4)
            tensor([[ 2., 28.],
                    [nan, nan]], dtype=torch.float64)
        """
        homography = fit_homography(pixels, meters)
        away = cls(homography).to_meters(pixels) - meters.detach().double().cpu()
        return cls(homography, float(away.square().sum(dim=1).mean().sqrt()))

    @classmethod
    def rectangle(cls, pixels: Tensor, width: float, depth: float) -> "Ground":
        """Fit the ground to a rectangle of known sides, such as a court or a zebra crossing.

        Args:
            pixels: Its corners (x, y) along the outline, shape (4, 2); they become (0, 0), (width, 0),
                (width, depth) and (0, depth).
            width: Length of the first side, in meters.
            depth: Length of the second side, in meters.

        Returns:
            The ground.

        Raises:
            ShapeError: If there are not four corners.
            ArgumentError: If the corners are degenerate or crossed, or a side is not positive.
        """
        if not (width > 0 and depth > 0):
            raise ArgumentError(
                f"width, depth: expected meters > 0, got {width} and {depth}; measure the sides"
            )
        if len(pixels) != 4:
            raise ShapeError(f"pixels: expected four corners, got {len(pixels)}; mark each once")
        return cls.fit(pixels, torch.tensor([[0.0, 0.0], [width, 0.0], [width, depth], [0.0, depth]]))

    def raised(self, height: float, *, camera: Sequence[float] | Tensor) -> "Ground":
        """Lift the plane to the height of heads, so that a head's pixel gives the place of its feet.

        Args:
            height: How high, in meters; 1.6 for heads of adults.
            camera: Place (x, y) and height of the camera in meters, as :meth:`camera` estimates it.

        Returns:
            The plane at that height, over the same axes.

        Raises:
            ArgumentError: If the camera is not above the plane.
        """
        x, y, top = (float(each) for each in camera)
        if not top > height:
            raise ArgumentError(f"camera: expected it above {height:g} m, got {top:g} m; measure its height")
        share = (top - height) / top
        shrink = self.homography.new_tensor(
            [[share, 0, (1 - share) * x], [0, share, (1 - share) * y], [0, 0, 1]]
        )
        return Ground(shrink @ self.homography, share * self.residual)

    def camera(self, size: tuple[int, int]) -> Tensor:
        """Estimate where the camera stands, if its pixels are square and the picture is not cropped.

        Args:
            size: Height and width of the picture.

        Returns:
            Place (x, y) and height above the ground in meters, shape (3,), float64.

        Raises:
            ArgumentError: If the marks do not show it.
        """
        return find_camera(self.homography, size)

    def to_meters(self, points: Tensor) -> Tensor:
        """Return where pixels (x, y), shape (N, 2), are on the ground: (N, 2), float64, NaN above the horizon."""
        check_points("points", points)
        place = _homogeneous(points) @ self.homography.T
        return torch.where(place[:, 2:] > 0, place[:, :2] / place[:, 2:], torch.nan)

    def to_pixels(self, meters: Tensor) -> Tensor:
        """Return where places on the ground, shape (N, 2), are seen: (N, 2), float64, NaN behind the camera."""
        check_points("meters", meters)
        inverse = torch.linalg.inv(self.homography)
        place = _homogeneous(meters) @ inverse.T
        seen = place[:, :2] / place[:, 2:]
        front = (_homogeneous(seen.nan_to_num(0, 0, 0)) @ self.homography.T)[:, 2:] > 0
        return torch.where(front & torch.isfinite(seen), seen, torch.nan)

    def area(self, size: tuple[int, int], *, stride: int = 1) -> Tensor:
        r"""Return the ground under each cell of a map, in square meters.

        A homography maps lines to lines: a cell is a quadrilateral on the ground, and its area follows exactly from
        its four corners. The last cells of a ragged size count with their part on the picture.

        Args:
            size: Height and width of the picture.
            stride: Side of a cell in pixels.

        Returns:
            Shape :math:`(\lceil H/s \rceil, \lceil W/s \rceil)`, float64; NaN where a cell touches the horizon.
        """
        check_stride(stride)
        height, width = size
        x, y = (
            torch.arange(0, -(-side // stride) + 1, dtype=torch.float64).mul(stride).clamp(max=side)
            for side in (width, height)
        )
        corners = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
        place = _homogeneous(corners.reshape(-1, 2)) @ self.homography.T
        depth = place[:, 2].reshape(corners.shape[:2])
        places = (place[:, :2] / place[:, 2:]).reshape(corners.shape)
        across, down = places[1:, 1:] - places[:-1, :-1], places[1:, :-1] - places[:-1, 1:]
        area = (across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]).abs() / 2
        low = depth > _HORIZON * depth.max()
        return torch.where(low[1:, 1:] & low[:-1, :-1] & low[1:, :-1] & low[:-1, 1:], area, torch.nan)

    def per_square_meter(
        self, density: Tensor, *, stride: int, size: tuple[int, int] | None = None
    ) -> Tensor:
        """Turn people per cell into people per square meter.

        Args:
            density: Maps in people per cell, shape (B, 1, h, w).
            stride: Side of a cell in pixels.
            size: Height and width of the picture; all cells whole if ``None``.

        Returns:
            Shape (B, 1, h, w), float64; NaN at and above the horizon.

        Raises:
            ShapeError: If ``density`` is no map or does not belong to ``size``.

        Examples:
            >>> import torch
            >>> square = torch.tensor([[0.0, 0.0], [8.0, 0.0], [8.0, 8.0], [0.0, 8.0]])
            >>> plan = Ground.rectangle(square, width=4.0, depth=4.0)  # seen from above: 2 pixels a meter
            >>> plan.per_square_meter(torch.full((1, 1, 2, 2), 6.0), stride=4)
            tensor([[[[1.5000, 1.5000],
                      [1.5000, 1.5000]]]], dtype=torch.float64)
        """
        check_map("density", density)
        return density.detach().double().cpu() / self.area(canvas(density, stride, size), stride=stride)

    def zone_to_pixels(self, zone: Zone) -> Zone:
        """Move a zone given in meters into the picture.

        Raises:
            ArgumentError: If a corner lies behind the camera.
        """
        corners = self.to_pixels(zone.polygon)
        if corners.isnan().any():
            place = zone.polygon[corners.isnan().any(dim=1)][0].tolist()
            raise ArgumentError(
                f"zone {zone.name!r}: expected corners before the camera, got {tuple(place)} m; check the axes"
            )
        return Zone(zone.name, corners)

    def zone_area(self, zone: Zone) -> float:
        """Return the ground in a zone of the picture, in square meters; NaN if it reaches the horizon."""
        here = self.to_meters(zone.polygon)
        there = here.roll(-1, 0)
        return float((here[:, 0] * there[:, 1] - here[:, 1] * there[:, 0]).sum().abs() / 2)


def canvas(density: Tensor, stride: int, size: tuple[int, int] | None) -> tuple[int, int]:
    """Return the size of the picture that a map belongs to; raise if it does not belong to ``size``."""
    rows, columns = density.shape[-2:]
    if size is None:
        return rows * stride, columns * stride
    if (-(-size[0] // stride), -(-size[1] // stride)) != (rows, columns):
        raise ShapeError(
            f"size: expected an image of {rows} x {columns} cells of {stride} pixels, got {tuple(size)}; give the "
            "size of the image that the map was estimated from"
        )
    return int(size[0]), int(size[1])


def _homogeneous(points: Tensor) -> Tensor:
    points = points.detach().double().cpu()
    return torch.cat([points, points.new_ones(len(points), 1)], dim=1)
