"""``crowdkit train``."""

import argparse
import json
import os
from pathlib import Path

from crowdkit.cli.options import Commands, add_device, add_json, command, print_json
from crowdkit.errors import ConfigError, PeerError

_TEXT = """Train a model as a TOML file says; what it leaves out is the paper's recipe.

The run's folder gets config.toml, metrics.jsonl, last.pt to resume from, and best/: the model with the lowest
MAE on the validation images, for crowdkit evaluate and count. Ctrl-C finishes the step and leaves a run that
--resume continues as if nothing had happened.
Several GPUs: torchrun --nproc-per-node=N -m crowdkit.cli train ... (with --run-folder: torchrun keeps --run to itself)

The encoder starts from random weights unless model.options.encoder_weights names some; the paper's starts from
ImageNet's.

A TOML file has the sections data, model, loss, optim and run; omitted values keep their defaults. Any value can
also be set with --set section.key=value:
  data.dataset=shanghaitech|folder|synthetic  data.root  data.part=A|B  data.crop=0.5 or [384,512]
  model.name=cfanet|cfanet_lite|...  model.options.encoder_weights=imagenet
  loss.name=bsl|mse|...  loss.options.expansion=50.0  optim.lr=1e-4  optim.ema_decay=0.999
  run.epochs=100  run.batch_size=4  run.precision=bfloat16"""


def add(commands: Commands) -> None:
    """Add the subcommand.

    Args:
        commands: The subparsers to add it to.
    """
    example = (
        "crowdkit train --run runs/b --set data.root=data/ShanghaiTech data.part=B model.name=cfanet_lite "
        "optim.lr=1e-3 run.epochs=50"
    )
    parser = command(commands, "train", run, text=_TEXT, example=example)
    parser.add_argument("config", nargs="?", type=Path, metavar="CONFIG.toml", help="the configuration")
    parser.add_argument(
        "--set",
        dest="overrides",
        nargs="+",
        action="extend",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="override single values",
    )
    parser.add_argument(
        "--run-folder", "--run", dest="folder", metavar="FOLDER", help="the run's folder (run.folder)"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in the folder")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_device(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Train.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    from crowdkit.training import load_config, train

    path, overrides = args.config, list(args.overrides)
    if (
        path is None
        and args.resume
        and args.folder is not None
        and (Path(args.folder) / "config.toml").exists()
    ):
        path = Path(args.folder) / "config.toml"
    if args.folder is not None:
        overrides.append(f"run.folder={json.dumps(str(args.folder))}")
    if args.device is not None:
        overrides.append(f"run.device={json.dumps(args.device)}")
    try:
        config = load_config(path, overrides)
    except ConfigError as error:
        if os.environ.get("LOCAL_RANK", "0") == "0":
            raise
        raise PeerError("config: expected a configuration, got the error of the first process") from error
    result = train(config, resume=args.resume, progress=not args.quiet)
    if not result.leads:
        return 0
    if args.json:
        print_json({**vars(result), "folder": str(result.folder)})
        return 0
    if result.finished:
        print(f"done: {result.epochs} epochs, {result.steps} steps in {result.seconds:.0f} s")
    else:
        print(f"time is up at step {result.steps}; go on with: {result.resume_command}")
    if result.best_epoch is not None:
        best = result.folder / "best"
        print(f"best validation MAE {result.best_mae:.2f} after epoch {result.best_epoch:g}: {best}")
    return 0
