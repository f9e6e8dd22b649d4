"""The README's Python is run as it stands, by copy and paste."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_there_is_something_to_run() -> None:
    assert len(BLOCKS) == 2


@pytest.mark.parametrize("index", range(len(BLOCKS)))
def test_block_runs_alone(index: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BLOCKS[index]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    if index == 0:
        figures = [float(each) for each in re.findall(r"[\d.]+", done.stdout)]
        maps, heads = figures[:2], figures[2:4]
        assert all(7 <= each <= 40 for each in heads)
        assert maps == pytest.approx(heads, rel=1e-3)  # printed with four digits
    else:
        assert done.stdout.startswith("['cfanet', 'cfanet_lite']\ntorch.Size([1, 1, 55, 84])"), done.stdout
        assert sorted(p.name for p in (tmp_path / "my-model").iterdir()) == [
            "config.json",
            "model.safetensors",
        ]


def test_commands_of_the_readme_exist() -> None:
    from crowdkit.cli import main

    commands = set(re.findall(r"^crowdkit (\w+)", README.read_text(encoding="utf-8"), flags=re.MULTILINE))
    for name in commands:
        with pytest.raises(SystemExit) as done:
            main([name, "--help"])
        assert done.value.code == 0
