"""Compose a new network from the parts: a timm encoder or your own, CRR, DLE, attention and DME.

    python examples/compose_a_network.py                    # ResNet-18 from timm
    python examples/compose_a_network.py --encoder own      # an encoder written in this file

Two stages instead of the paper's four, stride 4, trained for a few steps on synthetic scenes with the complete loss of
CFANet (density, coarse and fine attention). The loss falls. Takes under a minute on two CPU cores.
"""

import argparse

import torch
from torch import Tensor, nn

from crowdkit.data import SyntheticCrowd, collate, density_targets
from crowdkit.layers import CRR, DLE, DME, TimmEncoder, attention_weight
from crowdkit.losses import CFANetLoss
from crowdkit.ops import pad_to_multiple
from crowdkit.prediction import Prediction
from crowdkit.targets import DensityLevels


class OwnEncoder(nn.Module):
    """An encoder: channels and strides, coarse to fine, and a forward that returns the list of these features."""

    channels, strides = (64, 32), (8, 4)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 7, 4, 3), nn.ReLU(), nn.Conv2d(32, 32, 3, 1, 1), nn.ReLU())
        self.deep = nn.Sequential(
            nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(), nn.Conv2d(64, 64, 3, 1, 1), nn.ReLU()
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the features, each half the size of the next."""
        fine = self.stem(pad_to_multiple(images - 0.5, 8))
        return [self.deep(fine), fine]


class TwoStages(nn.Module):
    """The wiring of figure 2 with two stages: every line of it can be changed."""

    stride = 4

    def __init__(self, encoder: nn.Module, levels: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.crr = CRR(encoder.channels[0], widths=(48, 32))
        self.dle = DLE(encoder.channels[0], levels=levels, widths=(48, 32))
        self.dme = DME(encoder.channels, widths=(64, 48), supervision=(1, 2))

    def forward(self, images: Tensor) -> Prediction:
        """Estimate density maps and, while training, the other supervised outputs."""
        features = self.encoder(images)
        regions, levels = self.crr(features[0]), self.dle(features[0])
        weights = [attention_weight(level, region) for level, region in zip(levels, regions, strict=True)]
        maps = [nn.functional.softplus(each) * 0.02 for each in self.dme(features, weights)]
        # The encoder has padded the picture: keep the cells of every map that it covers.
        *stages, density = (self.cut(each, images, self.stride) for each in maps)
        if not self.training:
            return Prediction(density)
        strides = self.encoder.strides
        regions, levels = (
            tuple(self.cut(each, images, stride) for each, stride in zip(logits, strides, strict=True))
            for logits in (regions, levels)
        )
        return Prediction(density, tuple(stages), regions, levels)

    @staticmethod
    def cut(x: Tensor, images: Tensor, stride: int) -> Tensor:
        """Crop a padded map to ceil(H / stride) x ceil(W / stride)."""
        return x[..., : -(-images.shape[-2] // stride), : -(-images.shape[-1] // stride)]


def main(argv: list[str] | None = None) -> dict[str, object]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoder", default="resnet18", help="a timm name, or 'own' (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=40, help="optimizer steps (default: %(default)s)")
    parser.add_argument("--scenes", type=int, default=24, help="training scenes (default: %(default)s)")
    parser.add_argument(
        "--size", type=int, nargs=2, default=(128, 160), metavar=("H", "W"), help="picture size"
    )
    args = parser.parse_args(argv)
    torch.manual_seed(0)

    size, stride = tuple(args.size), TwoStages.stride
    samples = list(SyntheticCrowd(args.scenes, size=size, people=(5, 60)))
    maps = density_targets(collate(samples), 3.0, stride)
    levels = DensityLevels.fit(maps, levels=6, stride=stride)

    encoder = OwnEncoder() if args.encoder == "own" else TimmEncoder(args.encoder, strides=(8, 4))
    network = TwoStages(encoder, levels.levels)
    loss_of = CFANetLoss(levels, stride=stride)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    losses = []
    for step in range(args.steps):
        chosen = torch.randperm(len(samples))[:4].tolist()
        batch, target = collate([samples[n] for n in chosen]), maps[chosen]
        loss = loss_of(network(batch.images), target, progress=step / args.steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 10 == 0 or step == args.steps - 1:
            print(f"step {step:3d}  loss {loss.item():.3f}")

    with torch.no_grad():
        density = network.eval()(torch.rand(1, 3, 67, 93)).density  # any size
    print(f"a picture of 93 x 67 gives a map of {density.shape[-1]} x {density.shape[-2]}")
    return {"losses": losses, "shape": tuple(density.shape)}


if __name__ == "__main__":
    main()
