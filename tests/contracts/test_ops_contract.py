"""What every function of the ground floor promises: inputs unchanged, compiled whole, exported, errors in words."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit import ops
from crowdkit.errors import ArgumentError, CrowdKitError

HEADS = torch.tensor([[2.5, 3.5], [8.0, 0.5]])
# A name of ops.__all__ and a call of it on one tensor; checks and splatting look at values or types, and
# are never part of a graph.
IN_GRAPH: dict[str, Callable[[Tensor], Tensor]] = {
    "count": ops.count,
    "mean_pool": lambda x: ops.mean_pool(x, 4),
    "pad_to_multiple": lambda x: ops.pad_to_multiple(x, 8),
    "sum_pool": lambda x: ops.sum_pool(x, 4),
    "transport": lambda x: torch.stack(
        [ops.transport(each / each.sum(), HEADS.to(x.dtype), entropy=50.0, floor=1e-16) for each in x[:, 0]]
    ),
    "unbalanced_transport": lambda x: torch.stack(
        [ops.unbalanced_transport(each, HEADS.to(x.dtype), stride=8) for each in x[:, 0]]
    ),
    "upsample": lambda x: ops.upsample(x, 4),
    "upsampled_conv2d": lambda x: ops.upsampled_conv2d(x, torch.ones(2, 1, 3, 3, dtype=x.dtype), factor=2),
    "window_filter": lambda x: ops.window_filter(x, ops.gaussian_window(5, 1.5)),
    "within_region": lambda x: ops.within_region(
        x, torch.ones(3 * x.shape[-2], 3 * x.shape[-1] - 2, dtype=torch.bool).tril(), stride=3
    ),
}
# The same of a call on points, whose gradient nobody asks for.
OF_POINTS: dict[str, Callable[[Tensor], Tensor]] = {
    "dot_map": lambda points: ops.dot_map(points, (13, 17), stride=4),
}
OUTSIDE = {
    "Peaks", "find_peaks",
    "gaussian_window", "polygon_share", "region_share", "splat", "splat_batch", "transport_points",
}  # fmt: skip


def test_every_public_name_has_a_row() -> None:
    assert set(IN_GRAPH) | set(OF_POINTS) | OUTSIDE == set(ops.__all__)


@pytest.mark.parametrize("name", IN_GRAPH)
class TestInGraph:
    def test_leaves_its_input_and_repeats(self, name: str) -> None:
        x = torch.rand(2, 1, 13, 17)
        before = x.clone()
        assert torch.equal(IN_GRAPH[name](x), IN_GRAPH[name](x))
        assert torch.equal(x, before)

    def test_is_linear_with_right_gradient(self, name: str) -> None:
        x = torch.rand(1, 1, 9, 10, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(IN_GRAPH[name], (x,))

    def test_batch_is_its_images(self, name: str) -> None:
        x = torch.rand(3, 1, 13, 17, dtype=torch.float64)
        together = IN_GRAPH[name](x)
        apart = torch.cat([IN_GRAPH[name](each[None]) for each in x])
        torch.testing.assert_close(together, apart, rtol=1e-13, atol=1e-13)

    def test_compiles_whole_and_exports(self, name: str) -> None:
        class Whole(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return IN_GRAPH[name](x)

        torch.compiler.reset()  # all rows share one forward, which may be compiled only so many times
        x = torch.rand(2, 1, 13, 17)
        expected = Whole()(x)
        torch.testing.assert_close(torch.compile(Whole(), fullgraph=True, backend="aot_eager")(x), expected)
        torch.testing.assert_close(torch.export.export(Whole(), (x,)).module()(x), expected)


@pytest.mark.parametrize("name", OF_POINTS)
def test_of_points_leaves_them_compiles_whole_and_exports(name: str) -> None:
    class Whole(nn.Module):
        def forward(self, points: Tensor) -> Tensor:
            return OF_POINTS[name](points)

    points = torch.rand(9, 2) * torch.tensor([17.0, 13.0])
    before = points.clone()
    expected = Whole()(points)
    assert torch.equal(points, before)
    assert torch.equal(torch.compile(Whole(), fullgraph=True, backend="aot_eager")(points), expected)
    for some in (torch.export.Dim.AUTO, None):
        program = torch.export.export(Whole(), (points,), dynamic_shapes=({0: some},)).module()
        assert torch.equal(program(points.flip(0)), expected)


def test_counts_survive_half_precision() -> None:
    crowd = torch.full((1, 1, 1000, 1000), 0.07, dtype=torch.float16)
    assert float(ops.count(crowd)) == pytest.approx(70_000, rel=1e-3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert ops.count(torch.full((1, 1, 30, 50), 1.0)).item() == 1500


@pytest.mark.parametrize("factor", [1, 2, 3, 8])
def test_pooling_keeps_everybody(factor: int) -> None:
    density = torch.rand(2, 1, 11, 13, dtype=torch.float64)
    pooled = ops.sum_pool(density, factor)
    assert pooled.shape == (2, 1, -(-11 // factor), -(-13 // factor))
    torch.testing.assert_close(ops.count(pooled), ops.count(density))
    expected = torch.stack(
        [
            density[:, 0, i : i + factor, j : j + factor].sum((1, 2))
            for i in range(0, 11, factor)
            for j in range(0, 13, factor)
        ],
        dim=1,
    )
    torch.testing.assert_close(pooled.flatten(1), expected)
    torch.testing.assert_close(ops.mean_pool(density, factor), pooled / factor**2)


@pytest.mark.parametrize("factor", [1, 2, 8])
@pytest.mark.parametrize("side", [1, 3, 5])
@pytest.mark.parametrize("outputs", [1, 4])
def test_convolution_after_upsample_is_the_plain_one(factor: int, side: int, outputs: int) -> None:
    x = torch.randn(2, 6, 5, 7, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(outputs, 6, side, side, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(outputs, dtype=torch.float64, requires_grad=True)
    plain = F.conv2d(ops.upsample(x, factor), weight, bias, padding=side // 2)
    ours = ops.upsampled_conv2d(x, weight, bias, factor=factor)
    torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)
    seed = torch.randn_like(plain)
    for ours_grad, plain_grad in zip(
        torch.autograd.grad(ours, (x, weight, bias), seed),
        torch.autograd.grad(plain, (x, weight, bias), seed),
        strict=True,
    ):
        torch.testing.assert_close(ours_grad, plain_grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.sum_pool(torch.zeros(1, 1, 2, 2), 0), r"factor: expected a whole number >= 1, got 0"),
        (lambda: ops.check_map("pred", torch.zeros(2, 2)), r"pred: expected a map of shape \(B, 1, h, w\)"),
        (lambda: ops.check_map("pred", [1.0]), r"pred: expected a tensor, got list"),
        (lambda: ops.check_map("pred", torch.zeros(1, 1, 2, 2, dtype=torch.int64)), r"call \.float\(\)"),
        (
            lambda: ops.check_pair(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 2, 2)),
            r"target: expected the shape of pred \(1, 1, 4, 4\), got \(1, 1, 2, 2\)",
        ),
        (lambda: ops.check_points("points", torch.zeros(3)), r"points: expected \(N, 2\)"),
        (lambda: ops.check_points("points", torch.zeros(3, 2, dtype=torch.int64)), "add 0.5"),
        (
            lambda: ops.upsampled_conv2d(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), factor=2),
            "square kernel with an odd side",
        ),
    ],
)
def test_bad_input_is_told_in_words(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(CrowdKitError, match=message):
        call()


def test_maps_on_two_devices_are_told() -> None:
    with pytest.raises(ArgumentError, match=r"expected device cpu, got meta; move it"):
        ops.check_pair(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2, device="meta"))
