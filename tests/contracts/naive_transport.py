"""The transport losses' formulas, written naively in float64 for one image's map (h, w) and heads (N, 2)."""

import math

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp


def pairs(size: tuple[int, int], points: np.ndarray, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Centers of the cells (h w, 2), and their distances from the heads (N, h w)."""
    cells = np.array([((j + 0.5) * stride, (i + 0.5) * stride) for i, j in np.ndindex(*size)])
    return cells, np.array([[math.dist(head, cell) for cell in cells] for head in points])


def naive_transport(
    share: np.ndarray, cost: np.ndarray, *, entropy: float, iterations: int, floor: float
) -> float:
    """Sinkhorn's scaling, or in logarithms without a floor, and the dual's value at what it finds."""
    mass = np.full(len(cost), 1 / len(cost))
    share = np.maximum(share, 1e-16)
    if floor == 0:
        heads = np.zeros(len(cost))
        for _ in range(iterations):
            cells = np.log(share) - logsumexp(heads[:, None] - cost / entropy, axis=0)
            heads = np.log(mass) - logsumexp(cells - cost / entropy, axis=1)
        return float(entropy * (mass @ heads + share @ cells))
    kernel = np.exp(-cost / entropy)
    u = mass
    for _ in range(iterations):
        v = share / (u @ kernel + floor)
        u = mass / (kernel @ v + floor)
    total = u @ kernel @ v + floor * u.sum() + floor * v.sum()
    return float(entropy * (mass @ np.log(u) + share @ np.log(v) - total + 1))


def naive_dm_count(
    pred: np.ndarray,
    points: np.ndarray,
    *,
    ot_weight: float = 0.1,
    tv_weight: float = 0.01,
    entropy: float = 10.0,
    iterations: int = 100,
    floor: float = 1e-16,
    stride: int = 8,
) -> float:
    value = abs(pred.sum() - len(points))
    if len(points) == 0:
        return float(value)
    positive = np.maximum(pred, 0)
    share = positive * positive.sum() / (positive.sum() ** 2 + 1e-8)
    dots = np.zeros_like(pred)
    for x, y in points:
        dots[int(y // stride), int(x // stride)] += 1
    _, distance = pairs(pred.shape, points, stride)
    carried = naive_transport(share.ravel(), distance**2, entropy=entropy, iterations=iterations, floor=floor)
    variation = len(points) * np.abs(share - dots / len(points)).sum()
    return float(value + ot_weight * carried + tv_weight * variation)


def generalized_cost(
    size: tuple[int, int], points: np.ndarray, *, cost: str, scale: float, unit: float, stride: int
) -> np.ndarray:
    cells, distance = pairs(size, points, stride)
    result = np.zeros_like(distance)
    for n, m in np.ndindex(*distance.shape):
        height = (points[n, 1] + cells[m, 1]) / 2 / unit
        eta = scale if cost == "exponential" else 0.5 + 0.2 * height
        result[n, m] = math.exp(distance[n, m] / unit / eta) - 1
    return result


def unbalanced_dual(
    f: np.ndarray, g: np.ndarray, people: np.ndarray, cost: np.ndarray, entropy: float, tau: float
) -> float:
    plan = np.exp((f + g[:, None] - cost) / entropy - 1)
    return float((f * people - f**2 / (4 * tau)).sum() + g.sum() - entropy * plan.sum())


def unbalanced_primal(
    plan: np.ndarray, people: np.ndarray, cost: np.ndarray, entropy: float, tau: float
) -> float:
    spread = (plan * np.log(np.maximum(plan, 1e-300))).sum()
    misfit = ((plan.sum(0) - people) ** 2).sum() + np.abs(plan.sum(1) - 1).sum()
    return float((plan * cost).sum() + entropy * spread + tau * misfit)


def naive_generalized(
    pred: np.ndarray,
    points: np.ndarray,
    *,
    cost: str = "perspective",
    scale: float = 0.6,
    unit: float = 512.0,
    entropy: float = 0.01,
    tau: float = 0.1,
    iterations: int = 50,
    stride: int = 8,
) -> float:
    """The dual, maximized by a quasi-Newton method from another place."""
    people, number = pred.ravel(), len(points)
    if number == 0:
        return float(tau * (people**2).sum())
    costs = generalized_cost(pred.shape, points, cost=cost, scale=scale, unit=unit, stride=stride)

    def loss(both: np.ndarray) -> tuple[float, np.ndarray]:
        g, f = both[:number], both[number:]
        plan = np.exp((f + g[:, None] - costs) / entropy - 1)
        slope = np.concatenate((1 - plan.sum(1), people - f / (2 * tau) - plan.sum(0)))
        return -unbalanced_dual(f, g, people, costs, entropy, tau), -slope

    bounds = [(-tau, tau)] * number + [(None, None)] * people.size
    found = minimize(
        loss, np.zeros(number + people.size), jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": 20000, "maxfun": 20000, "ftol": 1e-16, "gtol": 1e-10, "maxcor": 30},
    )  # fmt: skip
    return float(-found.fun)
