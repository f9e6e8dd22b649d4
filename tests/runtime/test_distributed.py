import json
import socket
import subprocess
import sys

import pytest

from crowdkit.errors import ConfigError
from crowdkit.evaluation import evaluate, mean_baseline
from crowdkit.models import load_model
from crowdkit.runtime import pick_device
from crowdkit.training import config_to_toml, load_config, open_split, train

_WORKER = """
import json, sys
import torch
torch.set_num_threads(1)
from crowdkit.evaluation import evaluate, mean_baseline
from crowdkit.runtime import rank
from crowdkit.training import load_config, open_split, train
from crowdkit.models import load_model

config = load_config(sys.argv[1])
trained = train(config, progress=False)
images = open_split(config.data, "train")
result = evaluate(load_model(sys.argv[2]), images, device="cpu")
mean = mean_baseline(images, images, stride=4)
report = {"rank": rank(), "steps": trained.steps, "best": trained.best_mae}
report |= {"result": result.to_dict(), "mean": mean.to_dict()}
print(json.dumps(report) + "\\n", end="", flush=True)
"""


@pytest.mark.slow
def test_two_processes_equal_one(tiny_config, tmp_path):
    config = tiny_config({"run.folder": str(tmp_path / "two")})
    (tmp_path / "config.toml").write_text(config_to_toml(config), encoding="utf-8")
    (tmp_path / "worker.py").write_text(_WORKER)
    one = train(tiny_config(), progress=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={port}"]
    arguments = [str(tmp_path / "worker.py"), str(tmp_path / "config.toml"), str(one.folder / "best")]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert sorted(report["rank"] for report in reports) == [0, 1]

    # Training: one step an epoch instead of three, and everybody knows the same validation.
    assert [report["steps"] for report in reports] == [2, 2]
    assert reports[0]["best"] == reports[1]["best"]
    assert load_config(tmp_path / "two" / "config.toml") == config

    # Evaluation: an odd number of images, none twice, the very figures of one process.
    images = open_split(config.data, "train")
    assert len(images) == 7
    alone = evaluate(load_model(one.folder / "best"), images, device="cpu").to_dict()
    mean = mean_baseline(images, images, stride=4).to_dict()
    for report in reports:
        for found, expected in ((report["result"], alone), (report["mean"], mean)):
            assert found["images"] == expected["images"]
            assert [each["name"] for each in found["counts"]] == images.names
            for name in ("mae", "rmse", "nae", "game1", "game2", "game3", "ssim", "psnr", "background_ratio"):
                assert found[name] == pytest.approx(expected[name], rel=1e-6), name


def test_devices_that_are_not_there():
    with pytest.raises(ConfigError, match="expected 'auto'"):
        pick_device("graphics")
    with pytest.raises(ConfigError, match="GPU that torch sees"):
        pick_device("cuda:63")
