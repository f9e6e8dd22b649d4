"""What a model's attention does in one image (figure 6)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from crowdkit.counting.density import eval_copy, predict_density
from crowdkit.data import read_image
from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.models import AttentionView, CrowdModel, Explainable
from crowdkit.pictures import attention_sheet
from crowdkit.runtime import autocast, pick_device, to_device

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What a model's attention does in one image, at one stage; tensors are on the CPU.

    Attributes:
        image: The image, RGB in [0, 1], shape :math:`(3, H, W)`.
        density: Estimated density map in people per cell of the model's stride, shape :math:`(1, 1, h, w)`.
        what: What the attention re-weights: ``"feature"``, ``"image"`` or ``"density"``.
        stage: The stage, counted from 1, coarse to fine.
        channel: The channel of ``before`` and ``after``; ``None`` for the mean over all.
        before: Absolute activation before the attention, shape :math:`(1, 1, h_s, w_s)` at the stage's
            stride, as for all that follow.
        after: The same after the attention.
        weight: The weight that the attention gives.
        region: The coarse map's (CAM) probability of crowd, or ``None``.
        level: The fine map's (FAM) expected weight, in [0, 1], or ``None``.
        background: Where the attention sees nobody, boolean.
    """

    image: Tensor
    density: Tensor
    what: str
    stage: int
    channel: int | None
    before: Tensor
    after: Tensor
    weight: Tensor
    region: Tensor | None
    level: Tensor | None
    background: Tensor

    @property
    def count(self) -> float:
        """Estimated number of people."""
        return float(self.density.sum())

    @property
    def background_shares(self) -> tuple[float, float]:
        """Share of the activation that lies in the background, before and after; 0 where there is none."""
        before, after = (
            float((plane * self.background).sum() / plane.sum().clamp_min(torch.finfo(plane.dtype).tiny))
            for plane in (self.before, self.after)
        )
        return before, after

    def picture(self, *, width: int = 420) -> "Image":
        """Draw it: the photograph, the attention, the estimate, and what is re-weighted before and after.

        Args:
            width: Width of each of the pictures, in pixels.

        Returns:
            The sheet; see :func:`~crowdkit.pictures.attention_sheet`.
        """
        what = {"feature": f"feature of stage {self.stage}", "image": "image that the network sees"}
        shown = "mean over its channels" if self.channel is None else f"channel {self.channel}"
        title = f"What the attention does to the {what.get(self.what, self.what)}"
        return attention_sheet(
            self.image,
            self.density,
            before=self.before,
            after=self.after,
            background=self.background,
            region=self.region,
            level=self.level,
            shares=self.background_shares,
            what=self.what,
            title=title if self.what == "density" else f"{title} ({shown})",
            width=width,
        )


def explain(
    model: CrowdModel,
    image: str | Path | Tensor,
    *,
    stage: int | None = None,
    channel: int | None = None,
    density: Tensor | None = None,
    device: str | torch.device = "auto",
    precision: str = "float32",
) -> Explanation:
    """Look at what a model's attention does in one image: figure 6 for any photograph.

    The model is left in its own mode and where it is: a copy in ``eval()`` is looked at.

    Args:
        model: A network with attention: ``cfanet`` or ``cfanet_lite`` with ``crr`` or ``dle``, or any
            :class:`~crowdkit.models.Explainable`.
        image: A file, turned upright as its EXIF tag says, or RGB in [0, 1], shape :math:`(3, H, W)`.
        stage: The stage to look at, counted from 1, coarse to fine; ``None`` for the last.
        channel: One channel of what is re-weighted; ``None`` for the mean of absolute values over all.
        density: The density map that the model estimates in this image, if it is at hand.
        device: Where to compute.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.

    Returns:
        What the attention does.

    Raises:
        ArgumentError: If the model has no attention, or no such stage or channel.
        ShapeError: If a tensor is not :math:`(3, H, W)`.
        DataError: If a file cannot be read.

    Examples:
        >>> from crowdkit.models import create_model
        >>> seen = explain(create_model("cfanet_lite"), torch.rand(3, 64, 96), stage=3, device="cpu")
        >>> seen.what, tuple(seen.before.shape), tuple(seen.density.shape)
        ('feature', (1, 1, 8, 12), (1, 1, 16, 24))
        >>> seen.picture().width
        1324
    """
    place = pick_device(str(device))
    twin = eval_copy(model, place)
    if not isinstance(twin, Explainable):
        raise ArgumentError(
            f"model: expected one with attention to look at, such as cfanet or cfanet_lite, got {model.name}"
        )
    given = image if isinstance(image, Tensor) else read_image(image, orient=True)
    if given.ndim != 3 or given.shape[0] != 3:
        raise ShapeError(f"image: expected a tensor of shape (3, H, W), got {tuple(given.shape)}")
    if density is None:
        density = predict_density(twin, given, device=place, precision=precision)
    with torch.no_grad(), autocast(place, precision):
        inside: AttentionView = twin.attention_view(to_device(given[None], place), stage=stage)
    return Explanation(
        image=given.cpu(),
        density=density.cpu(),
        what=inside.what,
        stage=inside.stage,
        channel=channel,
        before=_size(inside.before, channel),
        after=_size(inside.after, channel),
        weight=inside.weight.float().cpu(),
        region=None if inside.region is None else inside.region.float().cpu(),
        level=None if inside.level is None else inside.level.float().cpu(),
        background=inside.background.cpu(),
    )


def _size(activation: Tensor, channel: int | None) -> Tensor:
    absolute = activation.float().abs()
    if channel is None:
        return absolute.mean(dim=1, keepdim=True).cpu()
    if isinstance(channel, bool) or not 0 <= channel < absolute.shape[1]:
        raise ArgumentError(f"channel: expected 0 to {absolute.shape[1] - 1}, got {channel!r}")
    return absolute[:, channel : channel + 1].cpu()
