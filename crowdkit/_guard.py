"""Stop a mixed install with Toloka's ``crowd-kit`` in words, before it breaks in riddles.

Both packages install an import package called ``crowdkit``; in one environment the files of the two
end up in one folder. Every room imports this module first.
"""

from pathlib import Path

from crowdkit.errors import MixedInstallError

# Folders that only Toloka's wheel has.
_FOREIGN_ROOMS = ("aggregation", "postprocessing")


def check(folder: Path) -> None:
    """Raise if files of Toloka's ``crowd-kit`` lie in our package folder.

    Args:
        folder: The folder of the import package ``crowdkit``.

    Raises:
        MixedInstallError: If a room of Toloka's package stands beside ours.
    """
    for room in _FOREIGN_ROOMS:
        if (folder / room / "__init__.py").exists():
            raise MixedInstallError(
                f"crowdkit: expected our files alone in {folder}, got Toloka's 'crowd-kit' in the same folder "
                f"(it has {room}/); the two packages cannot share an environment. "
                "Run 'pip uninstall crowd-kit crowdkit' and install the one you want."
            )


check(Path(__file__).parent)
