"""The true density map of a sample, and the sigma of its heads."""

import torch
from torch import Tensor

from crowdkit.data.datasets.base import CrowdData
from crowdkit.data.sample import Sample
from crowdkit.errors import ConfigError
from crowdkit.targets import SigmaRule, density_map, sigma_rule


def resolve_sigma(sigma: float | str | SigmaRule, dataset: CrowdData) -> SigmaRule:
    """Turn what a user says about sigma into a rule.

    Args:
        sigma: ``"auto"`` (the data set's own rule), a rule's name, a number of pixels, or a rule.
        dataset: The images.

    Returns:
        The rule.

    Raises:
        UnknownNameError: If there is no rule of that name.
        ConfigError: If the number is not positive.
    """
    if isinstance(sigma, SigmaRule):
        return sigma
    if isinstance(sigma, str):
        return sigma_rule(dataset.sigma_rule if sigma == "auto" else sigma)
    if not sigma > 0:
        raise ConfigError(f"sigma: expected a positive number of pixels, got {sigma}; raise it")
    pixels = float(sigma)
    return SigmaRule(f"{pixels:g}", f"{pixels:g} px", lambda points, _: torch.full((len(points),), pixels))


def true_map(sample: Sample, rule: SigmaRule, stride: int) -> Tensor:
    """Make the true density map of a sample at a model's stride.

    Args:
        sample: The sample; its own sigmas, set before any crop, go before the rule.
        rule: The rule for sigma.
        stride: Side of a cell in pixels.

    Returns:
        People per cell, shape :math:`(1, h, w)`.
    """
    height, width = int(sample.image.shape[-2]), int(sample.image.shape[-1])
    sigma = rule(sample.points, (height, width)) if sample.sigma is None else sample.sigma
    return density_map(sample.points, (height, width), sigma=sigma, stride=stride, truncate=rule.truncate)[
        None
    ]
