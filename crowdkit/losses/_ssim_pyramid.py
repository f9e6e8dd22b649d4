"""SSIM over a pyramid of average-pooled maps: the plain form, differentiable, and one with its own backward."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.losses._settings import Check, one_of, positive, whole
from crowdkit.losses._ssim import WINDOW_CHECKS, halve, local_statistics
from crowdkit.ops import Padding, SeparableFilter, gaussian_window

# Cells of a block that is compared at once: its maps stay in a CPU's cache; a GPU wants few calls.
_CPU_BLOCK, _GPU_BLOCK = 2**16, 2**23

CHECKS: dict[str, Check] = {
    "scales": whole,
    "expansion": positive,
    "padding": one_of("valid", "same"),
    **WINDOW_CHECKS,
}


@dataclass(frozen=True)
class SSIMPyramid:
    """The settings of :func:`~crowdkit.losses.ssim_pyramid_loss`, and its maths on checked maps."""

    scales: int
    window_size: int
    window_sigma: float
    c1: float
    c2: float
    expansion: float
    padding: Padding

    def window(self, sides: tuple[int, int]) -> tuple[float, ...]:
        """Return the window of a scale with these sides."""
        size, shorter = self.window_size, min(sides)
        if self.padding == "valid" and shorter < size:
            # int: a symbolic size, of a graph for many sizes, becomes this one.
            size = int(shorter - 1 + shorter % 2)
        return gaussian_window(size, self.window_sigma)

    def __call__(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare maps (B, 1, h, w): one minus SSIM, (B,)."""
        # A compiler fuses the plain form itself; the fused one has no gradient for the target.
        plain = torch.compiler.is_compiling() or target.requires_grad
        return self.plain(pred, target) if plain else self.fused(pred, target)

    def plain(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare maps (B, 1, h, w): (B,), step by step."""
        pred, target = pred * self.expansion, target * self.expansion
        total = torch.zeros((), dtype=pred.dtype, device=pred.device)
        for scale in range(self.scales):
            if scale:
                pred, target = halve(pred), halve(target)
            window = self.window((pred.shape[-2], pred.shape[-1]))
            local = local_statistics(pred, target, window, padding=self.padding)
            a = local.luminance / (local.energy + self.c1)
            b = local.var_d / (local.var_s + self.c2)
            total = total + (a + b - a * b).mean(dim=(-2, -1))  # exactly 0 for equal maps
        return total / self.scales

    def fused(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare maps (B, 1, h, w) as :meth:`plain` does, block by block, with the gradient by the way."""
        wanted = torch.is_grad_enabled() and pred.requires_grad
        values: Tensor = _Fused.apply(pred, target, self, wanted)[0]
        return values

    def values_and_gradient(
        self, pred: Tensor, target: Tensor, *, wanted: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Compare maps (B, h, w): (B,) and, where wanted, the gradient of each image's value."""
        pairs = [(pred, target)]
        for _ in range(1, self.scales):
            pairs.append((_halve(pairs[-1][0]), _halve(pairs[-1][1])))
        values, gradient = pred.new_zeros(len(pred)), None
        while pairs:
            value, finer = self._level(*pairs.pop(), wanted=wanted)
            values = values + value
            if finer is not None and gradient is not None:
                _unhalve_into(finer, gradient)
            gradient = finer
        return values, gradient

    def _level(self, x: Tensor, y: Tensor, *, wanted: bool) -> tuple[Tensor, Tensor | None]:
        window = SeparableFilter(self.window((x.shape[-2], x.shape[-1])))
        margin = window.margin // 2 if self.padding == "same" else 0
        if margin:
            x, y = (F.pad(each, (margin,) * 4) for each in (x, y))
        count, height, width = x.shape
        rows_out, cells = height - window.margin, (height - window.margin) * (width - window.margin)
        # Constants for maps as they are, in place of expanded maps.
        constants = self.c1 / self.expansion**2, self.c2 / self.expansion**2
        block = _CPU_BLOCK if x.device.type == "cpu" else _GPU_BLOCK
        rows = min(rows_out, max(1, block // width, window.margin))
        images = max(1, block // (rows * width)) if rows == rows_out else 1
        values = x.new_zeros(count)
        gradient = torch.zeros_like(x) if wanted else None
        for first in range(0, count, images):
            some = slice(first, first + images)
            for top in range(0, rows_out, rows):
                # The rows that the block's windows see; the last block may be lower.
                band = slice(top, min(top + rows, rows_out) + window.margin)
                value, slope = _block(x[some, band], y[some, band], window, *constants, wanted=wanted)
                values[some].add_(value, alpha=2 / (cells * self.scales))
                if gradient is not None and slope is not None:
                    gradient[some, band].add_(slope, alpha=4 / (cells * self.scales))
        if gradient is not None:
            gradient = gradient[:, margin : height - margin, margin : width - margin]
        return values, gradient


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(
        pred: Tensor,
        target: Tensor,
        pyramid: SSIMPyramid,
        wanted: bool,  # noqa: FBT001
    ) -> tuple[Tensor, Tensor]:
        values, gradient = pyramid.values_and_gradient(
            pred[:, 0].contiguous(), target[:, 0].contiguous(), wanted=wanted
        )
        return values, pred.new_empty(0) if gradient is None else gradient[:, None]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        pred, target, ctx.pyramid, ctx.wanted = inputs
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(pred, target, output[1])

    @staticmethod
    def backward(ctx: Any, outer: Tensor | None, _: Any) -> tuple[Tensor | None, None, None, None]:
        pred, target, gradient = ctx.saved_tensors
        if outer is None:
            return None, None, None, None
        twice = torch.is_grad_enabled()  # somebody wants the gradient's gradient
        if ctx.wanted and not twice:
            return gradient * outer[:, None, None, None], None, None, None
        with torch.enable_grad():
            values = ctx.pyramid.plain(pred, target)
        return *torch.autograd.grad(values, pred, outer, create_graph=twice), None, None, None

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[Any, ...],
        pred: Tensor,
        target: Tensor,
        pyramid: SSIMPyramid,
        wanted: bool,  # noqa: FBT001
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int | None]]:
        # More images.
        pred, target = (
            each.expand(info.batch_size, *each.shape) if dim is None else each.movedim(dim, 0)
            for each, dim in ((pred, in_dims[0]), (target, in_dims[1]))
        )
        lead = pred.shape[:2]
        values, gradient = _Fused.apply(pred.flatten(0, 1), target.flatten(0, 1), pyramid, wanted)
        if not wanted:
            return (values.view(lead), gradient), (0, None)
        return (values.view(lead), gradient.view(pred.shape)), (0, 0)


def _block(
    x: Tensor, y: Tensor, window: SeparableFilter, c1: float, c2: float, *, wanted: bool
) -> tuple[Tensor, Tensor | None]:
    # With d = x - y and s = x + y, and E, Var under the window, SSIM = (1 - 2 a)(1 - 2 b) where
    # a = (E d)^2 / ((E d)^2 + (E s)^2 + 2 c1) and b = Var d / (Var d + Var s + 2 c2): what is called a and b
    # in the plain form, halved. Given are half the sum of 1 - SSIM and a quarter of its gradient.
    maps = x.new_empty(4, *x.shape)
    d, s, d_squared, s_squared = maps
    torch.sub(x, y, out=d)
    torch.add(x, y, out=s)
    torch.mul(d, d, out=d_squared)
    torch.mul(s, s, out=s_squared)
    mean_d, mean_s, var_d, var_s = window(maps).unbind()
    a = mean_d * mean_d
    light = mean_s * mean_s
    # A variance that rounding makes negative is 0, and so is its slope.
    var_d.sub_(a).clamp_(min=0)
    var_s.sub_(light).clamp_(min=0)
    light.add_(a).add_(2 * c1)
    spread = (var_d + var_s).add_(2 * c2)
    a.div_(light)
    b = var_d / spread
    value = (a + b).addcmul_(a, b, value=-2).sum(dim=(1, 2))
    if not wanted:
        return value, None
    by_light = torch.rsub(b, 1, alpha=2).div_(light)
    by_spread = torch.rsub(a, 1, alpha=2).div_(spread)
    # By E d^2 and, negative, by E s^2.
    by_d = torch.rsub(b, 1).mul_(by_spread).mul_(var_d.sign_())
    by_s = b.mul_(by_spread).mul_(var_s.sign_())
    # By (E d)^2 and, negative, by (E s)^2, which the variances hold too.
    a.mul_(by_light)
    by_light.sub_(a).sub_(by_d).mul_(mean_d)
    by_light.addcmul_(mean_s, a.sub_(by_s), value=-1)
    from_mean, from_d, from_s = window.adjoint((by_light, by_d, by_s))
    return value, from_mean.addcmul_(d, from_d).addcmul_(s, from_s, value=-1)


def _halve(maps: Tensor) -> Tensor:
    # As halve, without a gradient: twelve times as fast as avg_pool2d on a CPU.
    height, width = maps.shape[-2:]
    if height > 1:
        maps = maps[:, 0 : height // 2 * 2 : 2] + maps[:, 1::2]
    if width > 1:
        maps = maps[..., 0 : width // 2 * 2 : 2] + maps[..., 1::2]
    return maps * (0.5 ** ((height > 1) + (width > 1)))


def _unhalve_into(fine: Tensor, coarse: Tensor) -> None:
    # Adds the coarse scale's gradient to the cells that were averaged; changes both.
    height, width = fine.shape[-2:]
    down, across = min(height, 2), min(width, 2)
    spread = coarse.div_(down * across).repeat_interleave(across, dim=-1)
    for i in range(down):
        fine[:, i : spread.shape[1] * down : down, : spread.shape[2]].add_(spread)
