"""Annotate a video: counts in zones, an alert, the worst square meter, and a clip to look at.

The video is drawn, so that the truth is known and nothing is downloaded. The map of each frame is the true one, made
restless as estimates are; a map of your own model goes in its place.

    python examples/annotate_a_video.py --out seen.mp4 --picture seen.png
"""

import argparse
import tempfile
from pathlib import Path

import torch

from crowdkit.counting import (
    Alert,
    AnnotatedVideo,
    CountStatistics,
    Ground,
    SquareMeters,
    VideoFile,
    VideoWriter,
    ZoneCounter,
    fruin_level,
)
from crowdkit.data import WalkingCrowd, Zone
from crowdkit.pictures import save_image
from crowdkit.targets import density_map

STRIDE = 8
ZONES = [  # on the ground, in meters: to the right of the camera, and before it
    Zone("gate", torch.tensor([[-6.5, 15.0], [-1.0, 15.0], [-1.0, 28.0], [-10.0, 28.0]])),
    Zone("stairs", torch.tensor([[3.0, 18.0], [8.0, 18.0], [13.0, 32.0], [5.0, 32.0]])),
]


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("seen.mp4"), help="where the clip goes")
    parser.add_argument("--picture", type=Path, help="where its last frame goes")
    parser.add_argument("--seconds", type=float, default=36.0, help="length of the clip")
    parser.add_argument("--size", type=int, nargs=2, default=(540, 960), help="height and width of the video")
    parser.add_argument("--alert", default="stairs > 7 for 2s", help='when to warn: "ZONE > PEOPLE for TIME"')
    parser.add_argument("--seed", type=int, default=7, help="another seed is another place")
    args = parser.parse_args(argv)

    size = tuple(args.size)
    crowd = WalkingCrowd(size=size, people=(30, 130), period=80, seed=args.seed)
    # Heads are seen, not feet: the plane of the ground is raised to their height.
    heads = Ground(crowd.homography(height=0)).raised(1.55, camera=crowd.camera)
    zones = [heads.zone_to_pixels(zone) for zone in ZONES]
    counter, squares = ZoneCounter(zones, size, stride=STRIDE), SquareMeters(heads, size, stride=STRIDE)
    figures = {zone.name: CountStatistics() for zone in zones}
    alert, events, worst, errors = Alert.parse(args.alert), [], None, []
    restless = torch.Generator().manual_seed(0)

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "walkers.mp4"
        with VideoWriter(source, rate=10) as writer:
            for time, image in crowd.frames(args.seconds, rate=10):
                writer.write(image, time)

        video = VideoFile(source, every="0.2s")
        with AnnotatedVideo(args.out, rate=5, span="40s") as seen:
            for frame in video:
                heads_there = crowd.at(frame.time).points
                truth = density_map(heads_there, size, sigma=size[0] / 60, stride=STRIDE)[None, None]
                density = truth * (1 + 0.06 * torch.randn((), generator=restless))
                count, counts = float(density.sum()), counter(density)
                for name, figure in figures.items():
                    figure.update(frame.time, counts[name])
                event = alert.update(frame.time, counts[alert.zone])
                if event:
                    events.append(event)
                    print(event)
                found = squares(density)
                worst = max(worst or found, found, key=lambda each: each.density)
                errors.append(abs(count - len(heads_there)))
                seen.write(
                    frame,
                    density,
                    count=count,
                    interval=(0.88 * count, 1.12 * count),
                    zones=zones,
                    counts=counts,
                    alert=f"{alert.zone} over {alert.limit:g}" if alert.raised else None,
                )

    for name, figure in figures.items():
        print(f"{name}: mean {figure.mean:.1f}, largest {figure.largest:.1f} after {figure.largest_at:.1f} s")
    print(
        f"worst square meter: {worst.density:.1f} people, {worst.meters[1]:.0f} m before the camera, "
        f"level {fruin_level(worst.density)}"
    )
    print(f"{args.out}: {len(errors)} frames, mean error of the count {sum(errors) / len(errors):.1f}")
    if args.picture:
        *_, last = VideoFile(args.out)
        save_image(last.image, args.picture)
    return {"events": events, "figures": figures, "worst": worst, "frames": len(errors), "out": args.out}


if __name__ == "__main__":
    main()
