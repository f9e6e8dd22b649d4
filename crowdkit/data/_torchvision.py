"""Import torchvision where it is used, and raise a clear error if that fails."""

from types import ModuleType

from crowdkit.errors import MissingDependencyError


def functional() -> ModuleType:
    """Return ``torchvision.transforms.v2.functional``.

    Raises:
        MissingDependencyError: If torchvision is missing or was built for another torch.
    """
    try:
        from torchvision.transforms.v2 import functional as module
    # A torchvision built for another torch raises RuntimeError ("operator torchvision::nms does not exist").
    except (ImportError, RuntimeError, OSError) as error:
        raise MissingDependencyError(
            f"torchvision: expected one that fits the installed torch, got {type(error).__name__} ({error}); "
            "install the torchvision release that belongs to your torch"
        ) from error
    return module
