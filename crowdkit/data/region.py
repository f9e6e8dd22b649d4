"""What counts when a sample has a region of interest; without one, everything does."""

from torch import Tensor

from crowdkit.data.geometry import in_region
from crowdkit.data.sample import Sample
from crowdkit.data.truth import density_target, with_sigma
from crowdkit.ops import count, within_region
from crowdkit.targets import SigmaRule


def roi_sample(sample: Sample, rule: SigmaRule) -> Sample:
    """Leave out the heads outside the region of interest; those inside keep the sigmas of the whole crowd.

    Args:
        sample: The sample.
        rule: The rule for sigma, for a sample that has none of its own.

    Returns:
        The sample with the heads that count.
    """
    if sample.roi is None:
        return sample
    inside = in_region(sample.points, sample.roi)
    sigma = with_sigma(sample, rule).sigma
    return sample._replace(points=sample.points[inside], sigma=None if sigma is None else sigma[inside])


def roi_map(density: Tensor, sample: Sample, stride: int) -> Tensor:
    """Keep the people of an estimate who are inside the sample's region of interest.

    Args:
        density: People per cell, shape :math:`(1, 1, h, w)`.
        sample: The sample.
        stride: Side of a cell in pixels.

    Returns:
        A map of the same shape.
    """
    return (
        density
        if sample.roi is None
        else within_region(density, sample.roi.to(density.device), stride=stride)
    )


def roi_truth(sample: Sample, rule: SigmaRule, stride: int) -> Tensor:
    """Make the true map of a sample, with everybody who counts inside its region of interest.

    Kernels are cut at the edge of the region and the map is scaled to the number of heads inside, as they are at
    the border of an image.

    Args:
        sample: What :func:`roi_sample` gives.
        rule: The rule for sigma.
        stride: Side of a cell in pixels.

    Returns:
        People per cell, shape :math:`(1, 1, h, w)`, on the CPU.
    """
    truth = density_target(sample, rule, stride)[None]
    if sample.roi is None or len(sample.points) == 0:
        return truth
    cut = roi_map(truth, sample, stride)
    return cut * (len(sample.points) / count(cut))
