"""Train your own network with the Background-aware Structural Loss (BSL).

    python examples/bsl_in_your_model.py

The network is a plain torchvision ResNet cut at stride 8, from random weights. It learns a batch of two different
crowds by heart, so the counts must come near the truth. Takes about half a minute on two CPU cores.

What the loss needs: maps (B, 1, h, w) of people per cell, the ``stride`` of the cells, how dense the crowd of the
training set is, and how much of the training is done. It begins as a squared error and ends as the paper's BSL.
"""

import argparse

import torch
import torchvision
from torch import nn

from crowdkit.data import SyntheticCrowd, collate, density_targets
from crowdkit.layers import DensityHead
from crowdkit.losses import GraduatedBSL
from crowdkit.targets import DensityScale


class YourNetwork(nn.Module):
    """Any network will do whose features go through a DensityHead."""

    def __init__(self, mean_density: float) -> None:
        super().__init__()
        resnet = torchvision.models.resnet18(weights=None)
        self.features = nn.Sequential(
            resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool, resnet.layer1, resnet.layer2
        )
        self.head = DensityHead(128, stride=8, mean_density=mean_density)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return people per cell, (B, 1, H / 8, W / 8)."""
        return self.head(self.features(images))


def main(argv: list[str] | None = None) -> dict[str, list[float]]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=60, help="optimizer steps (default: %(default)s)")
    parser.add_argument(
        "--size", type=int, nargs=2, default=(128, 160), metavar=("H", "W"), help="picture size"
    )
    parser.add_argument("--lr", type=float, default=1e-3, help="learning rate of Adam (default: %(default)s)")
    args = parser.parse_args(argv)
    torch.manual_seed(0)
    size = tuple(args.size)

    # Two different crowds: a sparse one and a dense one.
    sparse = SyntheticCrowd(1, size=size, people=(15, 25))[0]
    dense = SyntheticCrowd(1, size=size, people=(80, 120))[0]
    batch = collate([sparse, dense])
    target = density_targets(batch, 4.0, stride=8)

    scale = DensityScale.fit(target, stride=8)  # once, over your training set
    network = YourNetwork(scale.mean)
    loss_of = GraduatedBSL(stride=8, density=scale.crowd)
    optimizer = torch.optim.Adam(network.parameters(), lr=args.lr)
    losses = []
    for step in range(args.steps):
        pred = network(batch.images)
        loss = loss_of(pred, target, progress=step / args.steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 10 == 0 or step == args.steps - 1:
            counts = ", ".join(f"{count:.1f}" for count in pred.detach().sum(dim=(1, 2, 3)))
            print(f"step {step:3d}  loss {loss.item():.4f}  counts {counts}")
    people = target.sum(dim=(1, 2, 3)).tolist()
    print(f"people          {people[0]:.0f}, {people[1]:.0f}")
    return {"losses": losses, "counts": pred.detach().sum(dim=(1, 2, 3)).tolist(), "people": people}


if __name__ == "__main__":
    main()
