"""The effect of attention inside a network, as data for pictures."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from crowdkit.errors import ArgumentError
from crowdkit.layers import attention_weight
from crowdkit.models._encoders import crop
from crowdkit.ops import upsample


class AttentionView(NamedTuple):
    r"""The tensor that attention re-weights at one stage of a network, before and after, and the attention itself.

    All have the same size :math:`h \times w`: :math:`\lceil H/s \rceil \times \lceil W/s \rceil` at the stride
    :math:`s` of the stage.

    Attributes:
        what: The kind of tensor that is re-weighted: ``"feature"``, ``"image"`` or ``"density"``.
        stage: The stage, counted from 1, coarse to fine.
        before: The tensor before the attention, shape :math:`(B, C, h, w)`.
        after: The tensor after the attention, same shape.
        weight: The attention weight, :math:`(B, 1, h, w)`.
        region: The coarse map's (CAM) probability of crowd, :math:`(B, 1, h, w)`; ``None`` without one.
        level: The fine map's (FAM) expected weight, :math:`(B, 1, h, w)` in [0, 1]; ``None`` without one.
        background: Where the model sees no crowd, boolean, :math:`(B, 1, h, w)`: the CAM's probability is below
            one half, or, without a CAM, the FAM's probability of background is above it.
    """

    what: str
    stage: int
    before: Tensor
    after: Tensor
    weight: Tensor
    region: Tensor | None
    level: Tensor | None
    background: Tensor


@runtime_checkable
class Explainable(Protocol):
    """A model whose attention can be inspected with ``attention_view``."""

    def attention_view(self, images: Tensor, *, stage: int | None = None) -> AttentionView:
        """Return what the attention does at a stage.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`.
            stage: The stage, counted from 1, coarse to fine; ``None`` for the last.

        Returns:
            The attention and what it re-weights.
        """


def pick_stage(stage: int | None, stages: int, *, only_last: bool = False) -> int:
    """Turn a stage counted from 1 into an index.

    Args:
        stage: The stage; ``None`` for the last.
        stages: Number of stages.
        only_last: Whether only the last stage is re-weighted.

    Returns:
        The index, from 0.

    Raises:
        ArgumentError: If there is no such stage.
    """
    if stage is None:
        return stages - 1
    known = (stages,) if only_last else tuple(range(1, stages + 1))
    if isinstance(stage, bool) or stage not in known:
        reason = ", the only one whose attention is injected" if only_last else ""
        raise ArgumentError(f"stage: expected {' or '.join(map(str, known))}{reason}, got {stage!r}")
    return stage - 1


def branch_planes(
    regions: Sequence[Tensor], levels: Sequence[Tensor], index: int, *, hard: bool
) -> tuple[Tensor | None, Tensor | None, Tensor]:
    """Return the output of the coarse and of the fine map of a stage, separately.

    Args:
        regions: CAM logits, coarse to fine, or none.
        levels: FAM logits, coarse to fine, or none.
        index: The stage, from 0.
        hard: Use the most likely level.

    Returns:
        ``(region, level, background)`` of :class:`AttentionView`.

    Raises:
        ArgumentError: If there are no logits.
    """
    if not regions and not levels:
        raise ArgumentError("attention: expected a model with crr or dle, got one with neither")
    region = attention_weight(region=regions[index]) if regions else None
    level = attention_weight(levels[index], hard=hard) if levels else None
    # One half, not the most likely class: the probability of a crowd is spread over the other k - 1.
    background = region < 0.5 if region is not None else levels[index].softmax(dim=1)[:, :1] > 0.5
    return region, level, background


def fit_view(inside: AttentionView, size: Sequence[int], stride: int) -> AttentionView:
    """Crop an attention view of a padded image to the cells that the image covers.

    Args:
        inside: The view; if it is of the image, its maps are enlarged to the image's size.
        size: Height and width of the image.
        stride: Side of a cell of the maps in pixels.

    Returns:
        The view, with all maps of the same size.
    """
    factor, side = (stride, 1) if inside.what == "image" else (1, stride)

    def fit(plane: Tensor) -> Tensor:
        return crop(upsample(plane, factor), size, side)

    return inside._replace(
        before=crop(inside.before, size, side),
        after=crop(inside.after, size, side),
        weight=fit(inside.weight),
        region=None if inside.region is None else fit(inside.region),
        level=None if inside.level is None else fit(inside.level),
        background=fit(inside.background.to(inside.before.dtype)) > 0.5,
    )
