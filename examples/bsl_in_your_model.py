"""Train your own network with the Background-aware Structural Loss (BSL).

    python examples/bsl_in_your_model.py

The network is a plain torchvision ResNet cut at stride 8, with nothing of crowdkit in it. It memorizes a batch of two
different crowds, so the loss must fall and the counts must approach the truth. Takes about half a minute on two CPU
cores.

The loss needs maps (B, 1, h, w) of people per cell, and the ``stride`` of the cells.
"""

import argparse

import torch
import torchvision
from torch import nn

from crowdkit.data import SyntheticCrowd, collate
from crowdkit.losses import BSL
from crowdkit.targets import density_map


class YourNetwork(nn.Module):
    """Any network that outputs a non-negative map works."""

    def __init__(self) -> None:
        super().__init__()
        resnet = torchvision.models.resnet18(weights=None)
        self.features = nn.Sequential(
            resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool, resnet.layer1, resnet.layer2
        )
        self.head = nn.Conv2d(128, 1, kernel_size=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return a map (B, 1, H / 8, W / 8)."""
        # softplus is positive and never dies (a ReLU can drop to all zeros and stay there). The factor starts the map
        # near the truth's scale: SSIM has little gradient when the estimate starts far above.
        return nn.functional.softplus(self.head(self.features(images))) * 0.1


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
    target = torch.stack([density_map(points, size, sigma=4.0, stride=8) for points in batch.points])[:, None]

    network = YourNetwork()
    loss_of = BSL(stride=8)
    optimizer = torch.optim.Adam(network.parameters(), lr=args.lr)
    losses = []
    for step in range(args.steps):
        pred = network(batch.images)
        loss = loss_of(pred, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 10 == 0 or step == args.steps - 1:
            counts = ", ".join(f"{count:.1f}" for count in pred.detach().sum(dim=(1, 2, 3)))
            print(f"step {step:3d}  BSL {loss.item():.4f}  counts {counts}")
    people = target.sum(dim=(1, 2, 3)).tolist()
    print(f"people          {people[0]:.0f}, {people[1]:.0f}")
    return {"losses": losses, "counts": pred.detach().sum(dim=(1, 2, 3)).tolist(), "people": people}


if __name__ == "__main__":
    main()
