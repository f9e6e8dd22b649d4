"""Export networks to other runtimes, as an ONNX file or an exported program of torch."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

import crowdkit
from crowdkit.errors import ArgumentError, CrowdKitError, check_choice
from crowdkit.export.comparison import ExportError, compare
from crowdkit.export.formats import (
    DENSITY,
    IMAGES,
    onnx_packages,
    onnx_runner,
    program_runner,
    write_onnx,
    write_program,
)
from crowdkit.models import CrowdModel
from crowdkit.ops import as_drawn, cells_across

if TYPE_CHECKING:
    from torch.export import ExportedProgram

FORMATS = (".onnx", ".pt2")
SMALLEST_SIDE = 64

# Traced with the first, compared on the others, whose sides all differ from its own.
_EXAMPLE = (2, 3, 70, 101)
_TRIED = ((1, 3, 101, 67), (3, 3, 64, 96), (2, 3, 75, 130))


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A file that was written, and how much it differs from the network.

    Attributes:
        path: The file.
        size: Height and width of the images that it accepts; ``None`` for any.
        metadata: The metadata in the file.
        tried: Shapes :math:`(B, 3, H, W)` of the images on which it was compared with the network.
        people: Total number of people that the network sees in these images. Empty maps would agree whatever the
            file computes.
        difference: Largest difference over these images: of a cell, relative to the largest cell, and of a count,
            relative to the people in all cells.
    """

    path: Path
    size: tuple[int, int] | None
    metadata: dict[str, str]
    tried: tuple[tuple[int, ...], ...]
    people: float
    difference: float


def export_model(model: CrowdModel, path: str | Path, *, size: Sequence[int] | None = None) -> Exported:
    r"""Write a network as a graph that runs without crowdkit, and verify that it counts the same.

    The graph takes ``images``, float32 :math:`(B, 3, H, W)`, RGB in [0, 1], and returns ``density``, float32
    :math:`(B, 1, \lceil H/s \rceil, \lceil W/s \rceil)`, people per cell: the sum of an image's map is its count. It
    accepts any batch size, and any height and width of at least 64 pixels unless ``size`` fixes them. Mean, standard
    deviation, padding and cropping are included.

    The file is compared with the network on images of shapes that it was not traced with (ONNX by onnxruntime), and is
    put in place only after that; if anything fails, an existing file stays as it was. The images are random pixels or,
    for a network that sees no people in these, synthetic crowds.

    Args:
        model: The network; it is not modified.
        path: A file that ends in ``.onnx``, or in ``.pt2`` for :func:`torch.export.load`.
        size: :math:`(H, W)`, to restrict the graph to images of one size.

    Returns:
        A description of the file.

    Raises:
        UnknownNameError: If ``path`` has another suffix.
        ArgumentError: If ``size`` is not two whole numbers > 0, or is missing for a model whose graph is valid for
            one size only.
        MissingDependencyError: If onnx, onnxscript or onnxruntime does not import, for ``.onnx``.
        ExportError: If torch cannot trace the network, or the file computes another map than the network.

    Examples:
        >>> import tempfile
        >>> import torch
        >>> from pathlib import Path
        >>> from crowdkit.models import create_model
        >>> model = create_model("csrnet")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     written = export_model(model, Path(folder, "csrnet.pt2"))
        ...     graph = torch.export.load(written.path).module()
        >>> graph(torch.rand(1, 3, 80, 123)).shape
        torch.Size([1, 1, 10, 16])
        >>> written.metadata["output"]
        'density: float32 (batch, 1, ceil(height / 8), ceil(width / 8)), people per cell; their sum is the count'
    """
    target = Path(path)
    check_choice("path", target.suffix, FORMATS)
    onnx = target.suffix == ".onnx"
    if onnx:
        onnx_packages()
    fixed = _check_size(model, size)
    network = _DensityAlone(deepcopy(model).cpu().float().eval().requires_grad_(requires_grad=False))
    metadata = _metadata(model, fixed)
    tried = _TRIED if fixed is None else ((1, 3, *fixed), (3, 3, *fixed))
    # In the form that is fast in torch, CFANet takes onnxruntime three times as long.
    with as_drawn() if onnx else nullcontext():
        program = _trace(network, model.name, fixed)
    target.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, so that the file can be moved into place atomically.
    with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
        file = Path(folder, target.name)
        try:
            (write_onnx if onnx else write_program)(program, file, metadata)
            run = (onnx_runner if onnx else program_runner)(file)
            people, difference = compare(network, run, tried)
        except (CrowdKitError, OSError):
            raise
        except Exception as error:  # the exporter, the checker and the runtime each raise their own
            raise ExportError(
                f"model: expected {model.name} to be written as {target.suffix} and run, got "
                f"{type(error).__name__}: {_first_line(error)}"
            ) from error
        file.replace(target)
    return Exported(
        path=target, size=fixed, metadata=metadata, tried=tried, people=people, difference=difference
    )


class _DensityAlone(nn.Module):
    """A model whose output is the density map, in float32."""

    def __init__(self, model: CrowdModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        density: Tensor = self.model(images).density
        return density.float()


def _check_size(model: CrowdModel, size: Sequence[int] | None) -> tuple[int, int] | None:
    if size is None:
        if model.one_size is not None:
            raise ArgumentError(
                f"size: expected (height, width) for {model.name}, got None; its graph is valid for images of one "
                f"size only, because {model.one_size}"
            )
        return None
    whole = all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in size)
    if len(size) != 2 or not whole:
        raise ArgumentError(f"size: expected (height, width), two whole numbers > 0, got {tuple(size)}")
    return size[0], size[1]


def _metadata(model: CrowdModel, size: tuple[int, int] | None) -> dict[str, str]:
    stride = model.stride
    if size is None:
        sides, cells = "height, width", f"ceil(height / {stride}), ceil(width / {stride})"
        which = f"; any height and width from {SMALLEST_SIDE} pixels"
    else:
        sides, cells = f"{size[0]}, {size[1]}", ", ".join(str(cells_across(side, stride)) for side in size)
        which = ""
    return {
        "crowdkit_version": crowdkit.__version__,
        "model": model.name,
        "stride": str(stride),
        # A module of the user's own has no JSON form; its class name identifies it.
        "config": json.dumps(model.config, default=lambda value: type(value).__name__),
        "input": f"{IMAGES}: float32 (batch, 3, {sides}), RGB in [0, 1]{which}",
        "output": f"{DENSITY}: float32 (batch, 1, {cells}), people per cell; their sum is the count",
    }


def _trace(network: nn.Module, name: str, size: tuple[int, int] | None) -> "ExportedProgram":
    import torch.fx.experimental._config
    from torch.export import Dim

    shape: tuple[int, ...] = _EXAMPLE if size is None else (*_EXAMPLE[:2], *size)
    axes = {0: Dim("batch", min=1)}
    if size is None:
        axes |= {2: Dim("height", min=SMALLEST_SIDE), 3: Dim("width", min=SMALLEST_SIDE)}
    config: Any = torch.fx.experimental._config
    try:
        # Otherwise properties of the example (its padding is cropped, its batch is above 1) become conditions on every
        # image. torch.onnx.export also sets it when given a module.
        with torch.no_grad(), config.patch(backed_size_oblivious=True):
            return torch.export.export(network, (torch.rand(shape),), dynamic_shapes={IMAGES: axes})
    except Exception as error:  # torch raises whatever its tracer encounters
        what = "any size" if size is None else f"{size[0]} x {size[1]} pixels"
        raise ExportError(
            f"model: expected one graph of {name} for images of {what}, got {type(error).__name__}: "
            f"{_first_line(error)}" + ("; try size=(height, width)" if size is None else "")
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")
