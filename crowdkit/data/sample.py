"""What a data set gives: one :class:`Sample` per image, joined into a :class:`Batch`."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad as pad_tensor

from crowdkit.errors import ArgumentError, ShapeError


class Annotation(NamedTuple):
    """The heads of one image, on its canvas.

    Attributes:
        points: Heads, shape (N, 2), float32 (x, y), continuous pixel coordinates.
        clamped: How many of them lay less than one pixel outside and were moved onto the canvas.
        dropped: How many lay further outside and are not in ``points``.
        sizes: Side of each head in pixels, shape (N,), float32, where heads were annotated as boxes: the root of
            the box's area.
    """

    points: Tensor
    clamped: int = 0
    dropped: int = 0
    sizes: Tensor | None = None


class Sample(NamedTuple):
    """One image with its heads.

    Attributes:
        image: Shape (3, H, W), float32 RGB in [0, 1].
        points: Heads, shape (N, 2), float32 (x, y); pixel (i, j) covers [j, j+1) x [i, i+1).
        meta: ``name`` (file stem), ``path``, ``dataset``, ``split``, ``clamped``, ``dropped``, and
            ``transforms`` (what was done to the sample, in order) once something was.
        sigma: Spread of each head's kernel in pixels, shape (N,); it follows its head through geometry.
        roi: Region of interest, shape (H, W), bool: only the people in it are counted by
            :func:`~crowdkit.evaluation.evaluate`. It follows the image through geometry; ``None`` is everywhere.
    """

    image: Tensor
    points: Tensor
    meta: dict[str, Any]
    sigma: Tensor | None = None
    roi: Tensor | None = None


class Batch(NamedTuple):
    """Several samples of one size.

    Attributes:
        images: Shape (B, 3, H, W), float32 RGB in [0, 1].
        points: B tensors of shape (N_i, 2).
        sigmas: B tensors of shape (N_i,), or ``None`` if the samples have none.
        metas: B dictionaries: the samples' own, and ``valid_size``, the (H, W) before padding.
        rois: Regions of interest, shape (B, 1, H, W), bool, or ``None`` if the samples have none.
        density: True maps, shape (B, 1, h, w), people per cell, once they are made
            (:func:`~crowdkit.data.density_targets`; a training's loader makes them).
    """

    images: Tensor
    points: list[Tensor]
    sigmas: list[Tensor] | None
    metas: list[dict[str, Any]]
    rois: Tensor | None = None
    density: Tensor | None = None

    @property
    def counts(self) -> Tensor:
        """The number of heads of each image, shape (B,), float32, where the images are."""
        heads = torch.tensor([float(len(each)) for each in self.points])
        return heads.to(self.images.device, non_blocking=True)

    def samples(self) -> Iterator[Sample]:
        """Take the batch apart again, without the padding."""
        for number, (points, meta) in enumerate(zip(self.points, self.metas, strict=True)):
            height, width = meta.get("valid_size", self.images.shape[-2:])
            roi = None if self.rois is None else self.rois[number, 0, :height, :width]
            sigma = None if self.sigmas is None else self.sigmas[number]
            yield Sample(self.images[number, :, :height, :width], points, meta, sigma, roi)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Batch":
        """Copy the tensors to a device."""

        def move(tensors: list[Tensor]) -> list[Tensor]:
            return [each.to(device, non_blocking=non_blocking) for each in tensors]

        return Batch(
            self.images.to(device, non_blocking=non_blocking),
            move(self.points),
            None if self.sigmas is None else move(self.sigmas),
            self.metas,
            None if self.rois is None else self.rois.to(device, non_blocking=non_blocking),
            None if self.density is None else self.density.to(device, non_blocking=non_blocking),
        )


def collate(samples: Sequence[Sample], *, pad: bool = False) -> Batch:
    """Join samples into a batch.

    Args:
        samples: At least one sample.
        pad: Pad smaller images with zeros, right and bottom, to the largest height and width. Points keep
            their coordinates, and no region of interest reaches into the padding.

    Returns:
        The batch; points and sigmas stay lists, since every image has its own number of heads.

    Raises:
        ShapeError: If the images differ in size and ``pad`` is false.
        ArgumentError: If there is no sample, or only some of them have a sigma or a region of interest.

    Examples:
        >>> import torch
        >>> one = Sample(torch.zeros(3, 4, 6), torch.zeros(2, 2), {"name": "a"})
        >>> two = Sample(torch.zeros(3, 5, 5), torch.zeros(0, 2), {"name": "b"})
        >>> batch = collate([one, two], pad=True)
        >>> tuple(batch.images.shape), [len(points) for points in batch.points]
        ((2, 3, 5, 6), [2, 0])
    """
    if not samples:
        raise ArgumentError("samples: expected at least one, got none; check the dataset's length")
    sizes = [(each.image.shape[-2], each.image.shape[-1]) for each in samples]
    height, width = max(h for h, _ in sizes), max(w for _, w in sizes)
    if not pad and any(size != (height, width) for size in sizes):
        raise ShapeError(
            f"samples: expected images of one size, got {sorted(set(sizes))}; "
            "crop or resize them to one size, use batch size 1, or collate with pad=True"
        )
    sigmas = [each.sigma for each in samples if each.sigma is not None]
    rois = [each.roi for each in samples if each.roi is not None]
    for what, found in (("sigma", sigmas), ("roi", rois)):
        if found and len(found) != len(samples):
            raise ArgumentError(
                f"samples: expected a {what} in all or none, got one in {len(found)} of {len(samples)}; "
                "use the same data set and transform for all"
            )

    def enlarge(tensor: Tensor) -> Tensor:
        return pad_tensor(tensor, (0, width - tensor.shape[-1], 0, height - tensor.shape[-2]))

    return Batch(
        torch.stack([enlarge(each.image) for each in samples]),
        [each.points for each in samples],
        sigmas or None,
        [{**each.meta, "valid_size": size} for each, size in zip(samples, sizes, strict=True)],
        torch.stack([enlarge(roi) for roi in rois])[:, None] if rois else None,
    )
