"""Generalized loss: the formula written naively, and its case."""

import math

import numpy as np
from scipy.optimize import minimize

from crowdkit.losses import GeneralizedLoss
from losses._case import PointCase
from losses._pairs import pairs


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
    stride: int = 1,
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


CASE = PointCase(
    GeneralizedLoss,
    naive_generalized,
    # carrying the person 5 pixels costs 0.05, less than the prices of leaving it
    literal=(
        [[1.0]],
        [[9.0, 4.0]],
        {"cost": "exponential", "unit": 10.0, "stride": 8, "scale": 0.5 / math.log(1.05)},
        0.05,
    ),
    variants=(
        {"cost": "exponential", "stride": 8},
        {"cost": "exponential", "scale": 0.1, "tau": 0.3, "iterations": 300, "stride": 8},
        {"entropy": 0.1, "unit": 64.0, "stride": 8},
        {"stride": 8},
    ),
    differentiable=False,  # it is: on a smaller map, in its own test
)
