"""VGG-19 with a small head: the common baseline since Bayesian loss and DM-Count."""

from pathlib import Path
from typing import Self

from torch import Tensor, nn

from crowdkit.errors import DTypeError, check_choice
from crowdkit.layers import VGG19Encoder
from crowdkit.models._init_weights import INITS, Init, init_weights
from crowdkit.models._output import Output, check_output, to_density
from crowdkit.models._ragged_sizes import PAD_OR_DROP, PadOrDrop, fit_density
from crowdkit.models.base import CrowdModel
from crowdkit.models.published import load_exact, read_published
from crowdkit.ops import upsample
from crowdkit.prediction import Prediction


class VGG19BL(CrowdModel):
    """VGG-19 with a small head: the network of Bayesian loss (BL) and of DM-Count.

    The sixteen convolutions and four poolings of VGG-19, a x2 bilinear upsample, C(256,3)-C(128,3)-C(1,1).
    Density at stride 8.

    Args:
        encoder_weights: ``None``, ``"imagenet"`` or a path to VGG-19's weights with torchvision's keys.
        align_corners: Align the centers of the corner cells when upsampling, as the originals do; a cell's content
            then drifts by up to half a cell over the map. ``False`` keeps cells in place.
        edges: For sides not divisible by 16: ``"pad"`` pads with zeros; ``"drop"`` leaves out what the poolings
            drop, as the originals do, and counts no one there.
        output: ``"softplus"``, ``"abs"`` (Bayesian loss), ``"relu"`` (DM-Count), or ``"identity"``, which may be
            negative.
        expansion: Factor on people per pixel in the network's output, as in :class:`CFANet`.
        init: Initialization of the head: ``"kaiming"``, or ``"normal"``: N(0, 0.01). The last layer is always
            N(0, 0.01).

    References:
        Ma, Wei, Hong and Gong. *Bayesian Loss for Crowd Count Estimation with Point Supervision*. ICCV
        2019, section 4; Wang, Liu, Samaras and Hoai. *Distribution Matching for Crowd Counting*. NeurIPS
        2020.

    Examples:
        >>> import torch
        >>> model = VGG19BL().eval()
        >>> with torch.no_grad():
        ...     model(torch.rand(1, 3, 50, 70)).density.shape
        torch.Size([1, 1, 7, 9])
    """

    name = "vgg19_bl"
    stride = 8

    def __init__(
        self,
        *,
        encoder_weights: str | Path | None = None,
        align_corners: bool = False,
        edges: PadOrDrop = "pad",
        output: Output = "softplus",
        expansion: float = 2000.0,
        init: Init = "kaiming",
    ) -> None:
        super().__init__()
        check_output(output, expansion)
        if not isinstance(align_corners, bool):
            raise DTypeError(f"align_corners: expected True or False, got {align_corners!r}")
        check_choice("edges", edges, PAD_OR_DROP)
        check_choice("init", init, INITS)
        self.align_corners = align_corners
        self.edges: PadOrDrop = edges
        self.output: Output = output
        self.expansion = expansion
        self.encoder = VGG19Encoder(encoder_weights, strides=(16,), pad=edges == "pad")
        self.regression = nn.Sequential(
            nn.Conv2d(512, 256, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 128, kernel_size=3, padding=1),
            nn.ReLU(),
        )
        self.density = nn.Conv2d(128, 1, kernel_size=1)
        init_weights((self.regression, self.density), heads=(self.density,), init=init)

    @classmethod
    def load_published(cls, path: str | Path) -> Self:
        """Load a checkpoint of Bayesian loss or of DM-Count, with its original output: a plain sum is the count.

        The keys identify the origin: the last layer is ``reg_layer.4`` in Bayesian loss, whose output is an absolute
        value, and ``density_layer.0`` in DM-Count, whose output is a ReLU. Both upsample with aligned corners and drop
        the remainder of sides not divisible by 16.

        Args:
            path: A checkpoint of github.com/ZhihengCV/Bayesian-Crowd-Counting or
                github.com/cvlab-stonybrook/DM-Count.

        Returns:
            The model in ``eval()``.

        Raises:
            DataError: If the file is unreadable, or a tensor is missing, unexpected or of another shape.
        """
        state = read_published(path)
        matching = any(key.startswith("density_layer.") for key in state)
        model = cls(
            align_corners=True,
            edges="drop",
            output="relu" if matching else "abs",
            expansion=float(cls.stride**2),
        )
        last = "density_layer.0" if matching else "reg_layer.4"

        def rename(key: str) -> str:
            for ours, theirs in (("encoder.", ""), ("regression", "reg_layer"), ("density", last)):
                if key.startswith(ours):
                    return theirs + key.removeprefix(ours)
            return key

        load_exact(model, state, path=path, rename=rename)
        return model.eval()

    def forward(self, images: Tensor) -> Prediction:
        r"""Estimate density maps.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            A prediction whose ``density`` is :math:`(B, 1, \lceil H/8 \rceil, \lceil W/8 \rceil)`.
        """
        (x,) = self.encoder(images)
        linear = self.density(self.regression(upsample(x, align_corners=self.align_corners)))
        density = to_density(linear, output=self.output, expansion=self.expansion, stride=self.stride)
        return Prediction(fit_density(density, images.shape[-2:], stride=self.stride, edges=self.edges))
