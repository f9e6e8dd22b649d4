"""The true density map of a sample or a batch. The sigma of a head is decided here and nowhere else."""

from math import ceil

import torch
from torch import Tensor
from torch.nn.functional import pad

from crowdkit.data.datasets.base import CrowdData, region_of_interest
from crowdkit.data.sample import Batch, Sample
from crowdkit.targets import SigmaRule, box_sigma, density_map, sigma_rule


def resolve_sigma(sigma: float | str | SigmaRule, dataset: CrowdData) -> SigmaRule:
    """Turn what a user says about the sigma of a data set into a rule.

    Args:
        sigma: ``"auto"`` (the data set's own rule), or what :func:`~crowdkit.targets.sigma_rule` takes.
        dataset: The images.

    Returns:
        The rule.

    Raises:
        UnknownNameError: If there is no rule of that name.
        ArgumentError: If the number is not positive.
    """
    return sigma_rule(dataset.sigma_rule if sigma == "auto" else sigma)


def with_sigma(sample: Sample, rule: SigmaRule | str | float) -> Sample:
    """Return the sample with a sigma for each of its heads: its own, else the rule's.

    A rule looks at the whole crowd. Apply it before heads are cropped away; geometry keeps what it found.

    Args:
        sample: The sample. Heads annotated as boxes have sigmas of their own.
        rule: The rule for all others, as for :func:`~crowdkit.targets.sigma_rule`.

    Returns:
        The sample, with ``sigma``.
    """
    return sample._replace(sigma=_sigma(sample, sigma_rule(rule)))


def density_target(sample: Sample, rule: SigmaRule | str | float, stride: int) -> Tensor:
    """Make the true density map of a sample.

    Args:
        sample: The sample; its own sigmas go before the rule's.
        rule: The rule for sigma, as for :func:`~crowdkit.targets.sigma_rule`.
        stride: Side of a cell in pixels: the model's stride.

    Returns:
        People per cell, shape :math:`(1, h, w)`; its sum is the number of heads.

    Examples:
        >>> from crowdkit.data import SyntheticCrowd
        >>> sample = SyntheticCrowd(1, size=(64, 80), people=(7, 7))[0]
        >>> target = density_target(sample, "cfanet", stride=8)
        >>> tuple(target.shape), round(float(target.sum()), 3)
        ((1, 8, 10), 7.0)
    """
    rule = sigma_rule(rule)
    sigma = _sigma(sample, rule)
    return density_map(sample.points, _size(sample), sigma=sigma, stride=stride, truncate=rule.truncate)[None]


def density_targets(batch: Batch, rule: SigmaRule | str | float, stride: int) -> Tensor:
    """Make the true density maps of a batch, those of :func:`density_target` for each of its samples.

    Args:
        batch: The batch; nobody is in the padding of its smaller images.
        rule: The rule for sigma, as for :func:`~crowdkit.targets.sigma_rule`.
        stride: Side of a cell in pixels: the model's stride.

    Returns:
        People per cell, shape :math:`(B, 1, h, w)`, where the batch is.

    Examples:
        >>> from crowdkit.data import SyntheticCrowd, collate
        >>> crowds = SyntheticCrowd(2, size=(64, 80), people=(3, 9))
        >>> batch = collate([crowds[0], crowds[1]])
        >>> targets = density_targets(batch, 4.0, stride=8)
        >>> tuple(targets.shape), bool((targets.sum((1, 2, 3)) - batch.counts).abs().max() < 1e-4)
        ((2, 1, 8, 10), True)
    """
    height, width = (ceil(side / stride) for side in batch.images.shape[-2:])
    maps = []
    for sample in batch.samples():
        target = density_target(sample, rule, stride)
        maps.append(pad(target, (0, width - target.shape[-1], 0, height - target.shape[-2])))
    return torch.stack(maps)


def sample_without_pixels(images: CrowdData, index: int) -> Sample:
    """Return one sample of a data set with a blank image of its size, which needs no decoding.

    Args:
        images: The data set.
        index: Which image.

    Returns:
        The sample, without the data set's own transform.
    """
    annotation = images.annotation(index)
    sigma = None if annotation.sizes is None else box_sigma(annotation.sizes)
    blank = torch.zeros(1).expand(3, *images.size(index))
    roi = region_of_interest(images, index)
    return Sample(blank, annotation.points, {"name": images.names[index]}, sigma, roi)


def _sigma(sample: Sample, rule: SigmaRule) -> Tensor:
    return rule(sample.points, _size(sample)) if sample.sigma is None else sample.sigma


def _size(sample: Sample) -> tuple[int, int]:
    return int(sample.image.shape[-2]), int(sample.image.shape[-1])
