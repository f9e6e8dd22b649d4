"""Networks for other runtimes: an ONNX file, or an exported program of torch."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

import crowdkit
from crowdkit.data import SyntheticCrowd
from crowdkit.errors import ArgumentError, CrowdKitError, check_choice
from crowdkit.export.formats import (
    DENSITY,
    IMAGES,
    Runner,
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
TOLERANCE = 1e-4

# Traced with the one, compared on the others, which differ from it in every side.
_EXAMPLE = (2, 3, 70, 101)
_TRIED = ((1, 3, 101, 67), (3, 3, 64, 96), (2, 3, 75, 130))
# People a pixel, one on 100 x 100: what a map with next to nobody, which has no scale of its own, is held against.
_THIN = 1e-4
# Drawn crowds; in larger ones the people are larger, and strange to a network that has learned from photographs.
_SCENES, _SCENE = 24, (96, 128)


class ExportError(CrowdKitError, RuntimeError):
    """A network cannot be written as a graph, or the graph does not give what the network gives."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A file that was written, and how far it is from the network.

    Attributes:
        path: The file.
        size: Height and width of the images that it takes; ``None`` for any.
        metadata: What the file says of itself.
        tried: Shapes :math:`(B, 3, H, W)` of the images on which it was compared with the network.
        people: How many the network sees in these images, in all. Maps of nobody agree whatever the file computes.
        difference: Largest difference over them: of a cell, relative to the largest cell, and of a count,
            relative to the people in all cells.
    """

    path: Path
    size: tuple[int, int] | None
    metadata: dict[str, str]
    tried: tuple[tuple[int, ...], ...]
    people: float
    difference: float


def export_model(model: CrowdModel, path: str | Path, *, size: Sequence[int] | None = None) -> Exported:
    r"""Write a network as a graph that runs without crowdkit, and check that it counts the same.

    The graph takes ``images``, float32 :math:`(B, 3, H, W)`, RGB in [0, 1], and gives ``density``, float32
    :math:`(B, 1, \lceil H/s \rceil, \lceil W/s \rceil)`, people per cell: the sum of an image's map is its
    count. Any batch, and any height and width from 64 pixels, unless ``size`` says one. Mean, standard
    deviation, padding and cropping are inside.

    The file is compared with the network on images of shapes that it was not traced with (ONNX by onnxruntime),
    and is in its place only after that. What was there before stays if anything fails. The images are random pixels
    or, for a network that sees nobody in these, crowds that are drawn.

    Args:
        model: The network; it is not changed.
        path: A file that ends in ``.onnx``, or in ``.pt2`` for :func:`torch.export.load`.
        size: :math:`(H, W)`, to fix the graph to images of one size.

    Returns:
        What was written.

    Raises:
        UnknownNameError: If ``path`` has another ending.
        ArgumentError: If ``size`` is not two whole numbers > 0, or is missing for a model whose graph holds
            for one size alone.
        MissingDependencyError: If onnx, onnxscript or onnxruntime does not import, for ``.onnx``.
        ExportError: If torch cannot trace the network, or the file gives another map than the network.

    Examples:
        >>> import tempfile
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
    # onnxruntime takes three times as long for CFANet in the form that is fast in torch.
    with as_drawn() if onnx else nullcontext():
        program = _trace(network, model.name, fixed)
    target.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, so that the file moves to its place in one step.
    with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
        file = Path(folder, target.name)
        try:
            (write_onnx if onnx else write_program)(program, file, metadata)
            run = (onnx_runner if onnx else program_runner)(file)
            people, difference = _compare(network, run, tried)
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
                f"size: expected (height, width) for {model.name}, got None; its graph holds for images of one "
                f"size alone, since {model.one_size}"
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
        # A module of the user's own has no JSON; its class says which it was.
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
        # Otherwise what is true of the example alone (its padding is cropped, its batch is above 1) becomes a
        # condition on every image. torch.onnx.export sets it too when it is given a module.
        with torch.no_grad(), config.patch(backed_size_oblivious=True):
            return torch.export.export(network, (torch.rand(shape),), dynamic_shapes={IMAGES: axes})
    except Exception as error:  # torch raises whatever its tracer meets
        what = "any size" if size is None else f"{size[0]} x {size[1]} pixels"
        raise ExportError(
            f"model: expected one graph of {name} for images of {what}, got {type(error).__name__}: "
            f"{_first_line(error)}" + ("; try size=(height, width)" if size is None else "")
        ) from error


@torch.no_grad()
def _compare(network: nn.Module, run: Runner, shapes: Sequence[tuple[int, ...]]) -> tuple[float, float]:
    """Give the people whom a network sees, and how far its file is from it; raise if that is too far."""
    generator = torch.Generator().manual_seed(0)
    found, people = [], 0.0
    for shape in shapes:
        images = _images(network, shape, generator)
        expected, given = network(images), run(images)
        people += float(expected.sum())
        if given.shape != expected.shape:
            raise ExportError(
                f"file: expected a map of shape {tuple(expected.shape)} for images of shape {shape}, got "
                f"{tuple(given.shape)}; nothing was written: try size=(height, width) or the other format"
            )
        found.append(_difference(given.double(), expected.double(), pixels=shape[-2] * shape[-1]))
    worst = float(torch.stack(found).max())
    if not worst <= TOLERANCE:  # also if it is not a number
        raise ExportError(
            f"file: expected the network's map to {TOLERANCE:.0e} of its largest cell and of its count, got "
            f"{worst:.1e}; nothing was written: try size=(height, width) or the other format"
        )
    return people, worst


def _images(network: nn.Module, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Give noise or, where the network sees nobody in it, drawn crowds in which it does, if there are any."""

    def seen(image: Tensor) -> bool:
        return bool(network(image[None]).abs().sum() > _THIN * image[0].numel())

    noise = torch.rand(shape, generator=generator)
    batch, _, height, width = shape
    if all(map(seen, noise)):
        return noise
    size = (max(32, min(height, _SCENE[0])), max(32, min(width, _SCENE[1])))
    scenes = SyntheticCrowd(_SCENES, size=size, people=(30, 80))
    times = (1, -(-height // size[0]), -(-width // size[1]))
    drawn = (scenes[index].image.repeat(times)[:, :height, :width] for index in range(_SCENES))
    crowds = list(islice(filter(seen, drawn), batch))
    return torch.stack(crowds + list(noise[len(crowds) :]))


def _difference(given: Tensor, expected: Tensor, *, pixels: int) -> Tensor:
    """Largest difference of a cell and of a count, each in units of the map's own."""
    rows, columns = expected.shape[-2:]
    cell = expected.abs().amax((1, 2, 3)).clamp_min(_THIN * pixels / (rows * columns))
    people = expected.abs().sum((1, 2, 3)).clamp_min(_THIN * pixels)
    of_cells = (given - expected).abs().amax((1, 2, 3)) / cell
    of_counts = (given - expected).sum((1, 2, 3)).abs() / people
    return torch.maximum(of_cells, of_counts).max()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")
