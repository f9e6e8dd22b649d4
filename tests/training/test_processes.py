"""Several processes under torchrun: the options it leaves alone, the line that goes on, a process that dies."""

import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from torch.distributed.run import get_args_parser

from crowdkit.cli.main import _parser
from crowdkit.training import config_to_toml
from crowdkit.training.checkpoint import load_checkpoint

# The command line, in which the second process kills itself when it has done a few steps.
_WORKER = """
import os, signal, sys, time
from crowdkit.cli import main
from crowdkit.training import Trainer

real = Trainer.step

def step(self, batch):
    if self.process.rank == 1 and self.position.step == 15:
        print("dies at", time.time(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    real(self, batch)

Trainer.step = step
sys.exit(main(sys.argv[1:]))
"""


def _names(parser):
    return [name for action in parser._actions for name in action.option_strings]


@pytest.mark.parametrize("command", ["train", "evaluate", "count"])
def test_torchrun_swallows_no_option(command):
    commands = next(action for action in _parser()._actions if action.choices).choices
    theirs = _names(get_args_parser())
    for action in commands[command]._actions:
        # Of two spellings one is enough; --help is for both.
        free = [name for name in action.option_strings if not any(each.startswith(name) for each in theirs)]
        assert free or not action.option_strings or "--help" in action.option_strings, action.option_strings


def _torchrun(arguments):
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
    command = [sys.executable, "-m", "torch.distributed.run", f"--master-port={port}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_a_dead_process_ends_the_others_and_the_printed_line_goes_on(tiny_config, tmp_path):
    config = tiny_config({"run.epochs": 10_000, "run.validate_every": 10_000, "run.checkpoint_every": 0.0})
    (tmp_path / "config.toml").write_text(config_to_toml(config), encoding="utf-8")
    (tmp_path / "worker.py").write_text(_WORKER)
    last = Path(config.run.folder) / "last.pt"
    done = _torchrun(
        ["--nproc-per-node=2", str(tmp_path / "worker.py"), "train", str(tmp_path / "config.toml"), "--quiet"]
    )
    died = float(done.stdout.split("dies at ")[1].split()[0])
    assert time.time() - died < 60
    lines = [line for line in done.stderr.splitlines() if "go on with: " in line]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: processes: expected 2, got the death of one; go on with: torchrun ")
    steps = load_checkpoint(last)["position"]["step"]
    assert steps == 15  # an epoch is one step

    program, *arguments = shlex.split(lines[0].partition("go on with: ")[2])
    assert program == "torchrun"
    done = _torchrun([*arguments, "--quiet", "--set", "run.time_limit=1e-6"])
    assert done.returncode == 0, done.stderr
    assert load_checkpoint(last)["position"]["step"] == 20  # the next at which the processes agree
    command = (
        f"go on with: torchrun --nproc-per-node=2 -m crowdkit.cli train --run-folder {config.run.folder}"
    )
    assert done.stdout.count(command) == 1
