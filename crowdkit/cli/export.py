"""``crowdkit export``."""

import argparse
from pathlib import Path

from crowdkit.cli.options import Commands, add_json, command, print_json

_TEXT = """Write a model as ONNX or as a torch.export program that runs without crowdkit.

The graph takes RGB images in [0, 1] of any batch size, height and width, and returns a map whose sum is the count.
The file is run and compared with the model before it is put in place. ONNX needs the packages of
pip install 'crowdkit[export]'."""


def add(commands: Commands) -> None:
    """Add the subcommand.

    Args:
        commands: The subparsers to add it to.
    """
    parser = command(commands, "export", run, text=_TEXT, example="crowdkit export runs/b --out crowd.onnx")
    parser.add_argument(
        "model", metavar="MODEL", help="the folder of a model or a run, or the name of bundled weights"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="a file with the suffix .onnx or .pt2"
    )
    parser.add_argument(
        "--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="accept images of this size only"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Export.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    from crowdkit.counting import open_model
    from crowdkit.export import export_model

    model = open_model(args.model).model
    if not args.json:
        print(f"tracing {model.name} ...", flush=True)
    written = export_model(model, args.out, size=args.size)
    if args.json:
        print_json(
            {
                "path": str(written.path),
                "bytes": written.path.stat().st_size,
                "size": written.size,
                "people": written.people,
                "difference": written.difference,
                "tried": written.tried,
                "metadata": written.metadata,
            }
        )
        return 0
    print(f"{written.path}: {written.path.stat().st_size / 1e6:.1f} MB")
    print(f"  input   {written.metadata['input']}")
    print(f"  output  {written.metadata['output']}")
    shapes = ", ".join(" x ".join(map(str, (shape[0], *shape[2:]))) for shape in written.tried)
    print(
        f"  agrees with the model to {written.difference:.0e} on images of {shapes}, in which it counts "
        f"{written.people:,.0f} people"
    )
    return 0
