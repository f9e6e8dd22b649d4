"""Raise a clear error when Toloka's ``crowd-kit`` is installed in the same environment.

Both packages install an import package called ``crowdkit``, so that their files end up in one folder. Every
room imports this module first.
"""

from pathlib import Path

from crowdkit.errors import MixedInstallError

# Folders that only Toloka's wheel has.
_FOREIGN_ROOMS = ("aggregation", "postprocessing")


def check(folder: Path) -> None:
    """Raise if the package folder holds files of Toloka's ``crowd-kit``.

    Args:
        folder: The folder of the import package ``crowdkit``.

    Raises:
        MixedInstallError: If the folder holds a subpackage of Toloka's package.
    """
    for room in _FOREIGN_ROOMS:
        if (folder / room / "__init__.py").exists():
            raise MixedInstallError(
                f"crowdkit: expected our files alone in {folder}, got Toloka's 'crowd-kit' in the same folder "
                f"(it has {room}/); the two packages cannot share an environment. "
                "Run 'pip uninstall crowd-kit crowdkit' and install the one you want."
            )


check(Path(__file__).parent)
