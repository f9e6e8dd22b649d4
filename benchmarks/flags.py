"""How many images of another kind the bounds of a training set flag, and how many of the same kind.

    python benchmarks/flags.py --root DATA/ShanghaiTech

Fits the bounds on the training images of both parts and checks the validation images, unchanged and modified. No
network counts here: only the traits of the picture are used, without the peak of the density map.
"""

import argparse
import io
from collections import Counter
from collections.abc import Callable, Iterable

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2.functional import gaussian_blur, pil_to_tensor

from crowdkit.calibration import Domain, Traits, image_traits
from crowdkit.data import LazyImage, SyntheticCrowd
from crowdkit.pictures import to_pil
from crowdkit.training import DataConfig, open_splits

Change = Callable[[Tensor, torch.Generator], Tensor]


def _jpeg(image: Tensor, _draw: torch.Generator) -> Tensor:
    file = io.BytesIO()
    to_pil(image).save(file, "JPEG", quality=30)
    with Image.open(file) as read:
        return pil_to_tensor(read).float() / 255


def _zoom(factor: float) -> Change:
    return lambda image, _: F.interpolate(image[None], scale_factor=factor, mode="bilinear", antialias=True)[
        0
    ].clamp(0, 1)


def _noise(strength: float) -> Change:
    return lambda image, draw: (image + strength * torch.randn(image.shape, generator=draw)).clamp(0, 1)


CHANGES: dict[str, Change] = {
    "as they are": lambda image, _: image,
    "upside down": lambda image, _: image.flip(-2),
    "JPEG of quality 30": _jpeg,
    "without color": lambda image, _: image.mean(0, keepdim=True).expand(3, -1, -1),
    "half the size": _zoom(0.5),
    "a seventh of the size": _zoom(0.15),
    "three times the size": _zoom(3.0),
    "blurred, sigma 2": lambda image, _: gaussian_blur(image, [13, 13], [2.0, 2.0]),
    "blurred, sigma 5": lambda image, _: gaussian_blur(image, [31, 31], [5.0, 5.0]),
    "inverted": lambda image, _: 1 - image,
    "noise, 0.1": _noise(0.1),
    "noise, 0.3": _noise(0.3),
    "a quarter of the light": lambda image, _: image / 4,
    "fog": lambda image, _: 0.5 + 0.2 * (image - 0.5),
    "nothing but noise": lambda image, draw: torch.rand(image.shape, generator=draw),
}


def main(argv: list[str] | None = None) -> dict[str, tuple[int, int]]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", required=True, help="ShanghaiTech's folder")
    parser.add_argument("--part", default="AB", help="its parts (default: %(default)s)")
    parser.add_argument(
        "--zoom", type=float, nargs=2, default=(1.0, 1.0), help="magnifications of the training"
    )
    args = parser.parse_args(argv)

    data = DataConfig(root=args.root, part=args.part)
    seen = [_traits(each[index].image) for each in open_splits(data, "train") for index in range(len(each))]
    domain = Domain.fit(seen, zoom=tuple(args.zoom))
    photographs = [each[index].image for each in open_splits(data, "val") for index in range(len(each))]
    drawn = SyntheticCrowd(40, size=(384, 512), people=(0, 200))

    print("| validation images | flagged | for |\n|---|---|---|")
    found = {}
    for name, change in CHANGES.items():
        draw = torch.Generator().manual_seed(0)
        found[name] = _tell(name, domain, (change(image, draw) for image in photographs))
    found["drawn scenes"] = _tell("drawn scenes", domain, (drawn[index].image for index in range(len(drawn))))
    return found


def _traits(image: Tensor) -> Traits:
    return image_traits(LazyImage(image), torch.zeros(1, 1, 1, 1), stride=64)


def _tell(name: str, domain: Domain, images: Iterable[Tensor]) -> tuple[int, int]:
    told = [domain.unusual(_traits(image)) for image in images]
    why = Counter(reason.split(",")[0].strip("0123456789. ") for each in told for reason in each)
    flagged = sum(map(bool, told))
    reasons = ", ".join(f"{trait.split()[0]} {number}" for trait, number in why.most_common())
    print(f"| {name} | {flagged} of {len(told)} | {reasons} |")
    return flagged, len(told)


if __name__ == "__main__":
    main()
