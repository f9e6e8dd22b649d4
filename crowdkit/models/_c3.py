"""The normalization and scale that networks of the C3 framework are trained with, for its checkpoints."""

from crowdkit.errors import check_choice

# Published maps are a hundred times the density.
LOG_PARA = 100.0

# Mean and standard deviation per channel, for RGB in [0, 1], by training data set.
MEAN_STD = {
    "gcc": (
        (0.302234709263, 0.291243076324, 0.269087553024),
        (0.227743327618, 0.211051672697, 0.184846073389),
    ),
    "qnrf": (
        (0.413525998592, 0.378520160913, 0.371616870165),
        (0.284849464893, 0.277046442032, 0.281509846449),
    ),
    "sha": ((0.410824894905, 0.370634973049, 0.359682112932), (0.278580576181, 0.26925137639, 0.27156367898)),
    "shb": (
        (0.452016860247, 0.447249650955, 0.431981861591),
        (0.23242045939, 0.224925786257, 0.221840232611),
    ),
}

# The framework wraps its networks as CCN, with or without data parallelism.
PREFIXES = ("CCN.", "CCN.module.")


def mean_std(trained_on: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and standard deviation of a data set's images, as the framework defines them.

    Args:
        trained_on: ``"gcc"``, ``"qnrf"``, ``"sha"`` or ``"shb"``.

    Returns:
        Mean and standard deviation, one value per channel.

    Raises:
        UnknownNameError: If the name is not among these.
    """
    check_choice("trained_on", trained_on, MEAN_STD)
    return MEAN_STD[trained_on]
