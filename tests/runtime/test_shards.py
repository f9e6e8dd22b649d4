import csv
import json
import socket
import subprocess
import sys

import pytest
from PIL import Image

from crowdkit.cli import main
from crowdkit.models import create_model
from crowdkit.runtime import DistributedShards


def test_alone_one_does_everything():
    crew = DistributedShards("cpu")
    assert (crew.size, crew.leads) == (1, True)
    assert crew.merge(crew.share("abc")) == [(0, "a"), (1, "b"), (2, "c")]


@pytest.mark.slow
def test_two_processes_count_what_one_does(tmp_path, capsys):
    photos = tmp_path / "photos"
    (photos / "more").mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.jpg", "d.png", "e.png", "more/a.png")):
        Image.new("RGB", (40 + 9 * number, 50), (40 * number, 90, 60)).save(photos / name)
    (photos / "c.png").write_bytes(b"broken")
    (photos / "f.png").write_bytes(b"broken too")
    create_model("mcnn").save(tmp_path / "model")

    def arguments(name):
        places = [str(photos), str(photos / "more"), str(photos / "b.jpg")]  # one twice, two of one name
        files = ["--out", str(tmp_path / name), "--csv", str(tmp_path / f"{name}.csv")]
        return ["count", *places, "--model", str(tmp_path / "model"), *files, "--device", "cpu", "--json"]

    assert main(arguments("one")) == 1
    alone = json.loads(capsys.readouterr().out)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={port}"]
    done = subprocess.run(
        [*start, "-m", "crowdkit.cli", *arguments("two")], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1, done.stderr  # as with one process: two files were skipped
    together = json.loads(done.stdout)

    assert len(alone["images"]) == 7 - 1
    assert [message.split(":")[0].rsplit("/")[-1] for message in alone["skipped"]] == ["c.png", "f.png"]
    one, two = (
        json.dumps(found).replace(str(tmp_path / name), "")
        for name, found in (("one", alone), ("two", together))
    )
    assert one == two
    tables = []
    for name in ("one", "two"):
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            tables.append(
                [{**row, "overlay": row["overlay"].rsplit("/")[-1]} for row in csv.DictReader(file)]
            )
    assert tables[0] == tables[1]
    pictures = [
        {each.name: each.read_bytes() for each in (tmp_path / name).iterdir()} for name in ("one", "two")
    ]
    assert pictures[0] == pictures[1]
    assert sorted(pictures[0]) == ["a-2.png", "a.png", "b-2.png", "b.png", "d.png", "e.png"]
