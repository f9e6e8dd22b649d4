"""Transport against POT, against convex minimizers that know nothing of Sinkhorn, and against differences."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.ops import transport, unbalanced_transport
from crowdkit.ops.unbalanced import _unbalanced_sinkhorn

ot = pytest.importorskip("ot")


def problem(
    number: int, size: tuple[int, int], stride: int, seed: int = 0, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    """Shares of the cells, heads, and distances (N, h w) in pixels."""
    generator = torch.Generator().manual_seed(seed)
    height, width = size
    extent = torch.tensor([width, height], dtype=torch.float64) * stride
    points = torch.rand(number, 2, generator=generator, dtype=torch.float64) * extent
    share = torch.rand(size, generator=generator, dtype=torch.float64) + 0.05
    grid = torch.cartesian_prod(torch.arange(height), torch.arange(width)).flip(1)
    distance = torch.cdist(points, (grid.double() + 0.5) * stride)
    return (share / share.sum()).to(dtype), points.to(dtype), distance


def value_and_gradient(function, cells: Tensor, *arguments, **keywords) -> tuple[Tensor, Tensor]:
    cells = cells.clone().requires_grad_()
    value = function(cells, *arguments, **keywords)
    return value.detach(), torch.autograd.grad(value, cells)[0]


# ---- balanced ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("floor", [0.0, 1e-100])
@pytest.mark.parametrize(("stride", "entropy"), [(1, 10.0), (2, 10.0), (4, 3.0), (8, 60.0)])
def test_value_and_potentials_are_those_of_pot(stride, entropy, floor):
    share, points, distance = problem(5, (6, 7), stride)
    mass, cost = np.full(5, 0.2), distance.square().numpy()
    plan, log = ot.bregman.sinkhorn_log(
        mass, share.flatten().numpy(), cost, entropy, numItermax=50_000, stopThr=1e-13, log=True
    )
    expected = (plan * cost).sum() + entropy * (plan * np.log(plan)).sum()
    value, gradient = value_and_gradient(
        transport, share, points, stride=stride, entropy=entropy, iterations=4000, floor=floor
    )
    assert value.item() == pytest.approx(expected, rel=1e-8)
    theirs = torch.as_tensor(entropy * log["log_v"]).reshape(6, 7)
    torch.testing.assert_close(
        gradient - gradient.mean(), theirs - theirs.mean(), rtol=0, atol=1e-6 * float(theirs.abs().max())
    )


def test_unregularized_transport_is_near():
    share, points, distance = problem(4, (4, 4), 4)
    exact = ot.emd2(np.full(4, 0.25), share.flatten().numpy(), distance.square().numpy())
    # the entropy of a plan between marginals lies between that of one of them and the sum of both
    slack = 0.05 * (math.log(4) + math.log(16))
    value = transport(share, points, stride=4, entropy=0.05, iterations=5000).item()
    assert exact - slack <= value <= exact


@pytest.mark.parametrize("floor", [0.0, 1e-3, 1e-9])
def test_gradient_is_that_of_the_value(floor):
    share, points, _ = problem(3, (2, 3), 3)
    logits = share.log().requires_grad_()
    torch.autograd.gradcheck(
        lambda logits: transport(
            logits.flatten().softmax(0).reshape(2, 3),
            points, stride=3, entropy=8.0, iterations=600, floor=floor,
        ),
        (logits,),
    )  # fmt: skip


@pytest.mark.parametrize("floor", [0.3, 1e-2, 1e-6])
def test_a_floor_leaves_what_is_too_far_at_a_price(floor):
    """The primal formula, minimized over P, q and r by a method without Sinkhorn's scaling."""
    share, points, distance = problem(2, (1, 3), 5, seed=1)
    share, cost, entropy = share.flatten().numpy(), distance.square().numpy(), 7.0

    def primal(x: np.ndarray) -> tuple[float, np.ndarray]:
        x = np.maximum(x, 1e-300)
        plan, q, r = x[:6].reshape(2, 3), x[6:8], x[8:]
        inside = (plan * np.log(plan)).sum() + (q * np.log(q / floor)).sum() + (r * np.log(r / floor)).sum()
        slope = np.concatenate(
            ((cost + entropy * (np.log(plan) + 1)).ravel(), entropy * (np.log(q / floor) + 1),
             entropy * np.log(r / floor))
        )  # fmt: skip
        return (plan * cost).sum() + entropy * (inside - r.sum()), slope

    gives = np.zeros((5, 11))
    for n, m in np.ndindex(2, 3):
        gives[n, 3 * n + m] = gives[2 + m, 3 * n + m] = 1
    gives[:5, 6:] = np.eye(5)
    target = np.concatenate((np.full(2, 0.5), share))
    found = minimize(
        primal, np.concatenate((np.full(6, 0.05), target - gives[:, :6].sum(1) * 0.05)), jac=True,
        method="SLSQP", bounds=[(1e-14, 1)] * 11,
        constraints={"type": "eq", "fun": lambda x: gives @ x - target, "jac": lambda _: gives},
        options={"ftol": 1e-13, "maxiter": 3000},
    )  # fmt: skip
    value = transport(
        torch.as_tensor(share).reshape(1, 3), points, stride=5, entropy=entropy, iterations=5000, floor=floor
    )
    assert value.item() == pytest.approx(found.fun, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("floor", [0.0, 1e-16])
def test_float32_is_float64_on_a_large_canvas(floor):
    share, points, _ = problem(60, (24, 32), 8)
    share[:, 20:] = 0
    share /= share.sum()
    value, gradient = value_and_gradient(transport, share, points, stride=8, floor=floor)
    half, half_gradient = value_and_gradient(transport, share.float(), points.float(), stride=8, floor=floor)
    assert half.dtype == half_gradient.dtype == torch.float32
    torch.testing.assert_close(half.double(), value, rtol=1e-4, atol=0)
    seen = share > 0
    torch.testing.assert_close(half_gradient.double()[seen], gradient[seen], rtol=1e-4, atol=0.05)
    assert half_gradient.isfinite().all()


# ---- unbalanced --------------------------------------------------------------------------------------


SETTINGS = {"stride": 8, "unit": 256.0}


def cost_of(distance: Tensor) -> np.ndarray:
    return np.expm1(distance.numpy() / 256 / 0.6)


def solution(people: Tensor, points: Tensor, distance: Tensor, iterations: int = 400):
    """The plan, found again from the cells' potential alone."""
    _, cells = _unbalanced_sinkhorn(people, points, 8, 0.6, 0.0, 256.0, 0.01, 0.1, iterations)
    f = cells.flatten().numpy()
    kernel = np.exp((f - cost_of(distance)) / 0.01 - 1)
    g = np.clip(-0.01 * np.log(kernel.sum(1)), -0.1, 0.1)
    return kernel * np.exp(g / 0.01)[:, None], g


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("amount", [0.0, 0.05, 0.6, 4.0])
def test_plan_and_potentials_certify_each_other(amount, seed):
    """The primal at the plan equals the dual at the potentials: neither can be improved."""
    share, points, distance = problem(6, (5, 6), 8, seed)
    people = share / share.mean() * amount - 0.1 * amount
    value, gradient = value_and_gradient(unbalanced_transport, people, points, iterations=400, **SETTINGS)
    plan, g = solution(people, points, distance)
    a = people.flatten().numpy()
    misfit = ((plan.sum(0) - a) ** 2).sum() + np.abs(plan.sum(1) - 1).sum()
    spread = (plan * np.log(np.maximum(plan, 1e-300))).sum()
    primal = (plan * cost_of(distance)).sum() + 0.01 * spread + 0.1 * misfit
    assert value.item() == pytest.approx(primal, rel=1e-9, abs=1e-10)
    torch.testing.assert_close(gradient.flatten(), torch.as_tensor(0.2 * (a - plan.sum(0))))
    # the price of a head is met where there are too many people, and not where the heads find theirs
    assert (g == -0.1).all() if amount == 4 else (np.abs(g) < 0.1).any()


def test_no_plan_is_cheaper():
    """The formula itself, minimized over tiny plans; the absolute values by slack variables."""
    share, points, distance = problem(2, (1, 3), 8, seed=4)
    people = share.flatten().numpy() * 1.5
    cost = cost_of(distance)

    def formula(x: np.ndarray) -> float:
        plan = np.maximum(x[:6], 1e-300).reshape(2, 3)
        return float(
            (plan * cost).sum() + 0.01 * (plan * np.log(plan)).sum()
            + 0.1 * ((plan.sum(0) - people) ** 2).sum() + 0.1 * x[6:].sum()
        )  # fmt: skip

    sides = [
        {"type": "ineq", "fun": lambda x, s=s: x[6:] - s * (x[:6].reshape(2, 3).sum(1) - 1)} for s in (1, -1)
    ]
    found = minimize(
        formula, np.full(8, 0.3), method="SLSQP", bounds=[(1e-12, None)] * 8, constraints=sides,
        options={"ftol": 1e-13, "maxiter": 2000},
    )  # fmt: skip
    value = unbalanced_transport(
        torch.as_tensor(people).reshape(1, 3), points, iterations=400, **SETTINGS
    ).item()
    assert value == pytest.approx(found.fun, abs=2e-6)
    assert value <= found.fun + 1e-9


@pytest.mark.filterwarnings("ignore:.*L-BFGS-B.*:DeprecationWarning")  # of POT's call of SciPy
def test_heads_that_are_all_found_make_it_pot_with_one_soft_side():
    share, points, distance = problem(3, (4, 5), 8, seed=2)
    people = share * 4
    plan, g = solution(people, points, distance)
    assert np.abs(g).max() < 0.1  # so that every head gets exactly one person
    np.testing.assert_allclose(plan.sum(1), 1, rtol=1e-9)
    # POT halves its squares, and its entropy has another 1 an entry; a price of 1e3 makes a side hard
    theirs = ot.unbalanced.lbfgsb_unbalanced(
        people.flatten().numpy(), np.ones(3), cost_of(distance).T + 0.01, reg=0.01,
        reg_m=(0.2, 1e3), reg_div="entropy", regm_div="l2", numItermax=50_000, stopThr=1e-18,
    )  # fmt: skip
    np.testing.assert_allclose(theirs.T, plan, atol=1e-4)


def test_gradient_of_the_unbalanced_value():
    share, points, _ = problem(3, (2, 3), 8)
    people = (share * 3 - 0.2).requires_grad_()
    for keywords in ({}, {"scale": 0.5, "slope": 0.2}, {"entropy": 0.1, "tau": 0.5}):
        torch.autograd.gradcheck(
            lambda people, keywords=keywords: unbalanced_transport(
                people, points, iterations=200, **SETTINGS, **keywords
            ),
            (people,),
        )


@pytest.mark.parametrize("most", [0.0, 0.3, 30.0, 3000.0])
def test_unbalanced_float32_is_float64(most):
    share, points, _ = problem(60, (24, 32), 8)
    people = share / share.max() * most
    value, gradient = value_and_gradient(unbalanced_transport, people, points, stride=8)
    half, half_gradient = value_and_gradient(unbalanced_transport, people.float(), points.float(), stride=8)
    torch.testing.assert_close(half.double(), value, rtol=5e-5, atol=1e-5)
    torch.testing.assert_close(half_gradient.double(), gradient, rtol=1e-5, atol=1e-6)


def test_perspective_makes_the_bottom_of_a_canvas_wider():
    near, far = torch.tensor([[4.0, 4.0]]), torch.tensor([[4.0, 508.0]])
    people = torch.zeros(64, 1)
    people[1] = people[62] = 1
    top, bottom = (
        value_and_gradient(unbalanced_transport, people, head, stride=8, scale=0.5, slope=0.2)[1]
        for head in (near, far)
    )
    # 8 pixels off: what is left over is more the more it costs to carry
    assert top[1] > bottom[62]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: transport(torch.ones(1, 1, 2, 2), torch.ones(1, 2)), ShapeError, r"share: expected shape"),
        (lambda: transport(torch.ones(2, 2), torch.ones(0, 2)), ShapeError, "at least one head"),
        (lambda: transport(torch.ones(2, 2), torch.ones(1, 2).int()), DTypeError, "points"),
        (lambda: transport(torch.ones(2, 2), torch.ones(1, 2), entropy=0.0), ArgumentError, "entropy: "),
        (lambda: transport(torch.ones(2, 2), torch.ones(1, 2), floor=1e-200), ArgumentError, "floor: "),
        (lambda: transport(torch.ones(2, 2), torch.ones(1, 2), iterations=0), ArgumentError, "iterations: "),
        (lambda: unbalanced_transport(torch.ones(4), torch.ones(1, 2)), ShapeError, "density: expected"),
        (lambda: unbalanced_transport(torch.ones(2, 2), torch.ones(1, 2), tau=-1.0), ArgumentError, "tau: "),
        (lambda: unbalanced_transport(torch.ones(2, 2), torch.ones(1, 2), slope=-1.0), ArgumentError, "slope: "),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call()
