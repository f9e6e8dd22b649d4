"""Compare an exported file with its network."""

from collections.abc import Sequence
from itertools import islice

import torch
from torch import Tensor, nn

from crowdkit.data import SyntheticCrowd
from crowdkit.errors import CrowdKitError
from crowdkit.export.formats import Runner

TOLERANCE = 1e-4
# People per pixel, one in 100 x 100: the scale for maps that are nearly empty and have none of their own.
_THIN = 1e-4
# Sizes of synthetic crowds; larger images show larger people, unfamiliar to a network trained on photographs.
_SCENES, _SCENE = 24, (96, 128)


class ExportError(CrowdKitError, RuntimeError):
    """A network cannot be written as a graph, or the graph does not compute the network's output."""


@torch.no_grad()
def compare(network: nn.Module, run: Runner, shapes: Sequence[tuple[int, ...]]) -> tuple[float, float]:
    """Return the people that a network sees and how far its file differs; raise if the difference is too large."""
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
    if not worst <= TOLERANCE:  # also true for NaN
        raise ExportError(
            f"file: expected the network's map to {TOLERANCE:.0e} of its largest cell and of its count, got "
            f"{worst:.1e}; nothing was written: try size=(height, width) or the other format"
        )
    return people, worst


def _images(network: nn.Module, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return noise or, if the network sees no people in it, synthetic crowds in which it does, if any."""

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
    """Largest difference of a cell and of a count, each relative to the map's own scale."""
    rows, columns = expected.shape[-2:]
    cell = expected.abs().amax((1, 2, 3)).clamp_min(_THIN * pixels / (rows * columns))
    people = expected.abs().sum((1, 2, 3)).clamp_min(_THIN * pixels)
    of_cells = (given - expected).abs().amax((1, 2, 3)) / cell
    of_counts = (given - expected).sum((1, 2, 3)).abs() / people
    return torch.maximum(of_cells, of_counts).max()
