"""Row 7: exported files, beside the network itself with the same number of threads."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from benchmarks.speed.case import Case, Measured
from benchmarks.speed.drawn import lively, photograph
from crowdkit.data import unit_range
from crowdkit.export import Runner, export_model, onnx_packages
from crowdkit.models import CrowdModel

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Scale:
    """Models and formats, with image sizes; the first size is timed."""

    models: tuple[str, ...] = ("cfanet_lite", "mcnn", "csrnet")
    formats: tuple[str, ...] = (".onnx", ".pt2")
    sizes: tuple[tuple[int, int], ...] = ((768, 1024), (381, 517), (65, 130))


FULL = Scale()


def cases(device: torch.device, scale: Scale = FULL) -> Iterator[Case]:
    """Make the lines of the row; files run on the CPU only."""
    if device.type != "cpu":
        return
    images = [unit_range(photograph(*size, seed=number))[None] for number, size in enumerate(scale.sizes)]
    # onnxruntime uses its own layout.
    last = [image.contiguous(memory_format=torch.channels_last) for image in images]
    odd = ", ".join(f"{height} x {width}" for height, width in scale.sizes[1:])
    for name in scale.models:
        model = lively(name)
        network = partial(_density, model)
        for ending in scale.formats:
            with TemporaryDirectory() as folder:
                file = export_model(model, Path(folder, f"{name}{ending}")).path
                runner = onnx_session(file) if ending == ".onnx" else torch.export.load(file).module()
            height, width = scale.sizes[0]
            yield Case(
                row=7,
                name=f"{name} as {ending}, {height} x {width}",
                fast=partial(_run, runner, (images if ending == ".onnx" else last)[0]),
                plain=partial(_run, network, last[0]),
                baseline="the network in torch, channels_last",
                agree=partial(_apart, network=network, runner=runner, images=images[1:]),
                goal=f"to {TOLERANCE:g}, also at {odd}",
                reached=_agrees,
            )


def onnx_session(file: Path) -> Runner:
    """Open a file in onnxruntime with the same number of threads as torch."""
    _, onnxruntime = onnx_packages()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def run(images: Tensor) -> Tensor:
        [density] = session.run(None, {"images": images.numpy()})
        return torch.from_numpy(density)

    return run


def _density(model: CrowdModel, image: Tensor) -> Tensor:
    return model(image).density


def _run(runner: Runner, image: Tensor) -> Tensor:
    with torch.inference_mode():
        return runner(image)


def _apart(
    plain: Tensor, found: Tensor, *, network: Runner, runner: Runner, images: list[Tensor]
) -> dict[str, float]:
    """Return the file's difference from the network over all sizes: of cells and of counts, both relative."""
    pairs = [(plain, found), *((_run(network, image), _run(runner, image)) for image in images)]
    cells = max(float((plain - found).abs().max() / plain.abs().max()) for plain, found in pairs)
    counts = max(abs(float(found.sum() / plain.sum()) - 1) for plain, found in pairs)
    return {"cells": cells, "count": counts}


def _agrees(measured: Measured) -> bool:
    return max(measured.agreement.values()) <= TOLERANCE
