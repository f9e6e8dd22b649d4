"""The ground against a pinhole camera written out in float64, and a uniform crowd under a steep perspective."""

import json
import math

import numpy as np
import pytest
import torch

from crowdkit.counting import Ground, SquareMeters, density_limits, fruin_level, limits_over, read_ground
from crowdkit.data import Zone
from crowdkit.errors import ArgumentError, DataError, ShapeError, UnknownNameError
from crowdkit.ops import dot_map

SIZE = (480, 640)
PLACE = (3.0, -4.0, 6.0)


def pinhole(places: np.ndarray, *, tilt: float = 0.45, focal: float = 620.0, turn: float = 0.2) -> np.ndarray:
    """Project places (x, y, z) in meters; the camera looks along +y, turned left, and down."""
    x, y, z = (places - np.array(PLACE)).T
    x, y = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    deep = y * math.cos(tilt) - z * math.sin(tilt)
    down = -z * math.cos(tilt) - y * math.sin(tilt)
    return np.stack([SIZE[1] / 2 + focal * x / deep, SIZE[0] / 2 + focal * down / deep], axis=1)


def seen(meters: torch.Tensor, height: float = 0.0) -> torch.Tensor:
    return torch.from_numpy(pinhole(np.c_[meters.numpy(), np.full(len(meters), height)]))


MARKS = torch.tensor([[0.0, 4.0], [6.0, 5.0], [9.0, 20.0], [-6.0, 24.0], [1.0, 12.0]], dtype=torch.float64)


@pytest.fixture
def ground() -> Ground:
    return Ground.fit(seen(MARKS), MARKS)


def test_meters_and_pixels_are_the_pinhole_s(ground):
    places = torch.rand(50, 2, dtype=torch.float64) * 20 + torch.tensor([-8.0, 3.0])
    torch.testing.assert_close(ground.to_meters(seen(places)), places, rtol=0, atol=1e-8)
    torch.testing.assert_close(ground.to_pixels(places), seen(places), rtol=0, atol=1e-7)
    assert ground.residual < 1e-9


def test_noise_in_marks_is_reported_in_meters():
    generator = torch.Generator().manual_seed(0)
    meters = torch.rand(40, 2, generator=generator, dtype=torch.float64) * 20 + torch.tensor([-8.0, 4.0])
    off = 0.1 * torch.randn(40, 2, generator=generator, dtype=torch.float64)
    noisy = Ground.fit(seen(meters), meters + off)
    assert noisy.residual == pytest.approx(0.1 * 2**0.5, rel=0.25)
    error = (noisy.to_meters(seen(meters)) - meters).norm(dim=1)
    assert error.mean() < 0.06


def test_area_equals_the_jacobian_and_the_sum_of_finer_cells(ground):
    area = ground.area(SIZE, stride=1)
    h = 1e-3
    for x, y in ((100.5, 470.5), (320.5, 240.5), (600.5, 200.5)):
        corners = torch.tensor([[x, y], [x + h, y], [x, y + h]], dtype=torch.float64)
        origin, right, below = ground.to_meters(corners)
        jacobian = torch.linalg.det(torch.stack([right - origin, below - origin])).abs() / h**2
        assert area[int(y), int(x)] == pytest.approx(float(jacobian), rel=2e-3)
    coarse = ground.area(SIZE, stride=16)
    finer = area.view(30, 16, 40, 16).sum(dim=(1, 3))
    torch.testing.assert_close(coarse[8:], finer[8:], rtol=1e-9, atol=0)


def test_ragged_cells_count_with_their_part(ground):
    ragged = ground.area((475, 637), stride=8)
    assert ragged.shape == (60, 80)
    whole = ground.area((475, 637), stride=1)
    assert ragged[-1, -1] == pytest.approx(float(whole[472:, 632:].sum()), rel=1e-9)


def test_nothing_above_the_horizon():
    # A camera that looks 5 degrees down has its horizon inside the picture.
    meters = MARKS + torch.tensor([0.0, 10.0])
    pixels = torch.from_numpy(pinhole(np.c_[meters.numpy(), np.zeros(5)], tilt=0.09))
    ground = Ground.fit(pixels, meters)
    horizon = SIZE[0] / 2 - 620 * math.tan(0.09)
    area = ground.area(SIZE, stride=8)
    rows = torch.arange(60)[:, None].expand(60, 80)
    assert torch.equal(area.isnan(), rows * 8 <= horizon)
    assert ground.per_square_meter(torch.ones(1, 1, 60, 80), stride=8)[0, 0, 0].isnan().all()
    assert ground.to_meters(torch.tensor([[320.0, horizon - 2], [320.0, 400.0]])).isnan()[:, 0].tolist() == [
        True,
        False,
    ]


def test_a_uniform_crowd_is_uniform_on_the_ground_under_a_steep_perspective(ground):
    # 2.5 people per square meter, spread over lots that are small against the cells, with heads 1.6 m above ground.
    cells = 32
    density = torch.zeros(1, 1, 15, 20, dtype=torch.float64)
    for near, far, lot in ((-1.5, 6.0, 0.02), (6.0, 70.0, 0.08)):
        x, y = (
            torch.arange(low, high, lot, dtype=torch.float64) for low, high in ((-40.0, 45.0), (near, far))
        )
        heads = seen(torch.cartesian_prod(x, y) + lot / 2, 1.6)
        inside = ((heads >= 0) & (heads < torch.tensor([SIZE[1], SIZE[0]]))).all(dim=1)
        density += dot_map(heads[inside], SIZE, stride=cells) * 2.5 * lot**2
    plane = ground.raised(1.6, camera=PLACE)
    found = plane.per_square_meter(density, stride=cells, size=SIZE)[0, 0]
    area = plane.area(SIZE, stride=cells)
    assert area.max() / area.min() > 15
    assert float((found / 2.5 - 1).abs().max()) < 0.05
    # On the plane of the ground itself the figure is too low, as the docs say.
    wrong = ground.per_square_meter(density, stride=cells, size=SIZE)[0, 0]
    assert float((wrong / found).mean()) == pytest.approx((1 - 1.6 / 6) ** 2, abs=0.01)


def test_the_camera_is_found_from_square_pixels(ground):
    torch.testing.assert_close(
        ground.camera(SIZE), torch.tensor(PLACE, dtype=torch.float64), rtol=0, atol=1e-6
    )
    turned = Ground.fit(seen(MARKS), MARKS[:, [1, 0]])
    expected = torch.tensor([PLACE[1], PLACE[0], PLACE[2]], dtype=torch.float64)
    torch.testing.assert_close(turned.camera(SIZE), expected, rtol=0, atol=1e-6)
    places = torch.tensor([[0.0, 8.0], [4.0, 15.0]], dtype=torch.float64)
    raised = ground.raised(1.6, camera=ground.camera(SIZE))
    torch.testing.assert_close(raised.to_meters(seen(places, 1.6)), places, rtol=0, atol=1e-6)


def test_a_camera_straight_above_does_not_show_its_height():
    square = torch.tensor([[0.0, 0.0], [8.0, 0.0], [8.0, 8.0], [0.0, 8.0]])
    with pytest.raises(ArgumentError, match="camera: expected marks that show where it stands"):
        Ground.rectangle(square, 4.0, 4.0).camera((8, 8))
    with pytest.raises(ArgumentError, match=r"camera: expected it above 1.6 m, got 1.5 m"):
        Ground.rectangle(square, 4.0, 4.0).raised(1.6, camera=(0, 0, 1.5))


def test_degenerate_and_crossed_marks_are_refused():
    corners = torch.tensor([[0.0, 8.0], [8.0, 8.0], [6.0, 2.0], [2.0, 2.0]])
    assert Ground.rectangle(corners, 4.0, 9.0).residual < 1e-9
    with pytest.raises(ArgumentError, match="crossed"):
        Ground.rectangle(corners[[0, 1, 3, 2]], 4.0, 9.0)
    line = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [5.0, 1.0]])
    for pixels, meters in (
        (line, corners),
        (corners, line),
        (corners[[0, 1, 2, 2]], corners),
        (line[:1].expand(4, 2), corners),
    ):
        with pytest.raises(ArgumentError, match=r"on a line|one place"):
            Ground.fit(pixels, meters)
    with pytest.raises(ShapeError, match="four marks or more in both, got 3 and 4"):
        Ground.fit(corners[:3], corners)
    with pytest.raises(ArgumentError, match="finite"):
        Ground.fit(corners * torch.nan, corners)


def test_the_worst_square_meter(ground):
    plane = ground.raised(1.6, camera=PLACE)
    side = torch.arange(0.025, 2, 0.05, dtype=torch.float64)
    patch = torch.cartesian_prod(side, side) + torch.tensor([2.0, 9.0])
    density = dot_map(plane.to_pixels(patch), SIZE, stride=4).double()[None, None] * 5.0 * 0.05**2
    worst = SquareMeters(plane, SIZE, stride=4)(density)
    assert worst.density == pytest.approx(5.0, rel=0.05)
    assert 2.4 <= worst.meters[0] <= 3.6
    assert 9.4 <= worst.meters[1] <= 10.6
    torch.testing.assert_close(
        plane.to_meters(torch.tensor([worst.pixel], dtype=torch.float64))[0],
        torch.tensor(worst.meters, dtype=torch.float64),
    )
    # One head on its own is one person on a square meter, not a hundred on the square decimeter it covers.
    alone = torch.zeros(1, 1, 120, 160)
    alone[0, 0, 110, 80] = 1
    assert SquareMeters(plane, SIZE, stride=4)(alone).density == pytest.approx(1.0)
    with pytest.raises(ArgumentError, match="look for larger squares"):
        SquareMeters(plane, SIZE, stride=4, side=1e-3)


def test_zones_in_meters(ground):
    square = Zone(
        "gate", torch.tensor([[0.0, 6.0], [5.0, 6.0], [5.0, 10.0], [0.0, 10.0]], dtype=torch.float64)
    )
    drawn = ground.zone_to_pixels(square)
    torch.testing.assert_close(drawn.polygon, seen(square.polygon))
    assert ground.zone_area(drawn) == pytest.approx(20.0)
    with pytest.raises(ArgumentError, match="zone 'back': expected corners before the camera"):
        ground.zone_to_pixels(Zone("back", square.polygon - torch.tensor([0.0, 40.0])))


def test_the_file(tmp_path, ground):
    path = tmp_path / "ground.json"
    marks = [{"pixel": p, "meters": m} for p, m in zip(seen(MARKS).tolist(), MARKS.tolist(), strict=True)]
    path.write_text(json.dumps({"points": marks}))
    torch.testing.assert_close(read_ground(path).homography, ground.homography)
    raised = ground.raised(1.6, camera=PLACE)
    for known in ({"camera": list(PLACE)}, {"size": [640, 480]}):
        path.write_text(json.dumps({"points": marks, "heads": 1.6, **known}))
        torch.testing.assert_close(
            read_ground(path).to_meters(seen(MARKS)), raised.to_meters(seen(MARKS)), atol=1e-5, rtol=0
        )


BAD = (
    ("{", "expected JSON"),
    ("[]", "neither or both"),
    ('{"points": [], "scale": 2}', "key: expected one of"),
    ('{"points": [{"pixel": [1, 2]}]}', "points: expected"),
    ('{"points": [{"pixel": [1, true], "meters": [1, 2]}]}', "points pixel: expected 2 numbers"),
    ('{"points": []}', "four marks or more"),
    ('{"rectangle": {"pixels": [[0, 8], [8, 8], [2, 2], [6, 2]], "meters": [4, 9]}}', "crossed"),
    ('{"rectangle": {"pixels": [[0, 8], [8, 8], [6, 2], [2, 2]], "meters": [4, 0]}}', "meters > 0"),
    (
        '{"rectangle": {"pixels": [[0, 8], [8, 8], [6, 2], [2, 2]], "meters": [4, 9]}, "heads": 1.6}',
        '"camera"',
    ),
)


@pytest.mark.parametrize(("text", "message"), BAD)
def test_bad_files_are_refused_in_words(tmp_path, text, message):
    path = tmp_path / "ground.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_ground(path)
    assert str(path) in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_ground(tmp_path / "none.json")


def test_fruin_s_levels_and_limits():
    # The table of the book in square meters per person.
    assert [fruin_level(1 / area) for area in (3.3, 2.4, 1.5, 1.0, 0.5, 0.4)] == list("ABCDEF")
    assert [fruin_level(1 / area, kind="standing") for area in (1.3, 1.0, 0.7, 0.3, 0.2, 0.17)] == list(
        "ABCDEF"
    )
    with pytest.raises(UnknownNameError, match="kind"):
        fruin_level(1.0, kind="waking")
    with pytest.raises(ArgumentError, match="density"):
        fruin_level(float("nan"))
    densities = [limit.density for limit in density_limits().values()]
    assert densities == sorted(densities)
    assert limits_over(5.5)[-1] == "dangerous"
    assert limits_over(float("nan")) == []
