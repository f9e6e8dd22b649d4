"""The plot shows where the counts are, and a frame keeps its scale and its places."""

import math

import numpy as np
import pytest
import torch

from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.pictures import annotate_frame, plot_counts

YELLOW = np.array([253, 231, 84])


def rows_of(plot, color, columns=slice(None)) -> np.ndarray:
    near = np.abs(np.asarray(plot, dtype=int) - color).sum(axis=-1) < 60
    return np.flatnonzero(near[:, columns].any(axis=1))


def test_a_line_is_where_its_counts_are():
    heights = [
        rows_of(plot_counts(range(9), [count] * 9, size=(160, 400), top=100), YELLOW, slice(60, 300)).mean()
        for count in (0, 50, 100, 200)
    ]
    assert heights[0] > heights[1] > heights[2]
    assert heights[1] == pytest.approx((heights[0] + heights[2]) / 2, abs=1)
    assert heights[3] == heights[2]


def test_a_line_breaks_where_nothing_is_known():
    counts = [5.0] * 40 + [math.nan] * 20 + [5.0] * 40
    plot = np.asarray(plot_counts(range(100), counts, size=(120, 640), top=10), dtype=int)
    yellow = (np.abs(plot - YELLOW).sum(axis=-1) < 60).any(axis=0)
    assert yellow[100:250].all()
    assert not yellow[300:370].any()
    assert yellow[430:600].all()


def test_a_plot_of_one_scale_does_not_jump():
    plots = [
        np.asarray(plot_counts([0, 1, 2], [3, 4, last], size=(100, 300), span=(0, 10), top=50, limit=40))
        for last in (5, 30)
    ]
    # Labels, grid and limit stand still; only the line differs.
    assert (plots[0] == plots[1])[:, 100:].all()
    red = (plots[0][..., 0] > 110) & (plots[0][..., 1] < 90)
    assert 1 <= red.any(axis=1).sum() <= 3


def test_smoothed_and_interval():
    times, counts = list(range(30)), [20.0 + 5 * (n % 2) for n in range(30)]
    plain = plot_counts(times, counts, size=(120, 400), top=50)
    both = plot_counts(
        times, counts, size=(120, 400), top=50, smoothed=[22.0] * 30, interval=([10.0] * 30, [40.0] * 30)
    )
    assert len(rows_of(both, YELLOW, slice(100, 300))) < len(rows_of(plain, YELLOW, slice(100, 300)))
    band = np.abs(np.asarray(both, dtype=int) - np.array([24, 58, 90])).sum(axis=-1) < 10
    assert band[:, 200].sum() > 30


def test_nothing_to_plot_is_an_empty_plot():
    assert plot_counts([], [], size=(80, 200)).size == (200, 80)
    assert plot_counts([3.0], [4.0]).size == (640, 120)
    assert plot_counts([3.0], [math.nan]).size == (640, 120)


@pytest.mark.parametrize(
    ("keywords", "kind", "message"),
    [
        ({"size": (10, 400)}, ArgumentError, "size"),
        ({"span": (5.0, 5.0)}, ArgumentError, "span"),
        ({"top": 0.0}, ArgumentError, "top"),
        ({"smoothed": [1.0]}, ShapeError, "times, counts, smoothed, interval"),
    ],
)
def test_bad_arguments(keywords, kind, message):
    with pytest.raises(kind, match=f"^{message}: expected"):
        plot_counts([0, 1], [2, 3], **keywords)


FRAME = torch.full((3, 180, 320), 0.5)


def test_colors_mean_the_same_from_frame_to_frame():
    faint = torch.zeros(1, 1, 23, 40)
    faint[0, 0, 12, 20] = 0.5
    with_more = faint.clone()
    with_more[0, 0, 18, 30] = 5.0
    one, two = (
        np.asarray(annotate_frame(FRAME, density, maximum=5.0, count=3)) for density in (faint, with_more)
    )
    assert (one[90:110, 150:170] == two[90:110, 150:170]).all()
    assert (one[140:150, 238:250] != two[140:150, 238:250]).any()


def test_plates_stand_in_the_corners_and_the_plot_below():
    density = torch.zeros(1, 1, 23, 40)
    bare = np.asarray(annotate_frame(FRAME, density, maximum=1.0, count=3))
    plot = plot_counts([0, 1], [1, 2], size=(60, 320))
    full = annotate_frame(
        FRAME, density, maximum=1.0, count=3, time=62.5, scale=("few", "many"), alert="gate > 2", plot=plot
    )
    assert full.size == (320, 240)
    changed = (np.asarray(full)[:180] != bare).any(axis=-1)
    for part, expected in (
        ((0, 40, 260, 320), True),
        ((140, 180, 160, 320), True),
        ((0, 40, 120, 200), True),
    ):
        top, bottom, left, right = part
        assert changed[top:bottom, left:right].any() == expected
    assert not changed[60:130].any()
    np.testing.assert_array_equal(np.asarray(full)[180:], np.asarray(plot))
    with pytest.raises(ShapeError, match="plot: expected the width of the frame, 320, got 640"):
        annotate_frame(FRAME, density, maximum=1.0, count=3, plot=plot_counts([0], [1]))


def test_the_plate_keeps_its_width_while_digits_change():
    density = torch.zeros(1, 1, 23, 40)
    widths = set()
    for count in (111, 444, 808):
        picture = np.asarray(annotate_frame(FRAME, density, maximum=1.0, count=count)).astype(int)
        dark = picture[12].sum(axis=-1) < 250
        widths.add(int(dark.nonzero()[0].max()))
    assert len(widths) == 1
