"""Two thousand damaged files over all formats: none may do anything but be read or be refused in a line."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from annotation_cases import CASES, HEIGHT, WIDTH
from PIL import Image

from crowdkit.data import CrowdFolder, check_dataset
from crowdkit.data.annotations import list_formats, read_annotations
from crowdkit.errors import DataError

FILES = 2000
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        "",
        "x",
        "\n",
        -1,
        0,
        10**400,
        1e308,
        float("nan"),
        [],
        {},
        [[]],
        [1],
        {"x": 1},
        [None],
        "é" * 9,
    ),
)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Cut, repeat, swap or change bytes; in JSON also put odd values where others were."""
    if rng.random() < 0.5 and content[:1] in (b"{", b"["):
        try:
            value = json.loads(content)
        except ValueError:
            pass
        else:
            for _ in range(rng.randint(1, 3)):
                value = changed(value, rng)
            return json.dumps(value).encode()
    data = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        place, length = rng.randrange(len(data) + 1), rng.randint(1, 40)
        piece = data[place : place + length]
        match rng.randrange(5):
            case 0:
                del data[place : place + length]
            case 1:
                data[place:place] = piece * rng.randint(1, 3)
            case 2:
                data[place : place + length] = bytes(rng.randrange(256) for _ in piece)
            case 3:
                data[place:place] = rng.choice(
                    [b"\0", b"\xff", b'"', b"<", b"&", b",", b"\n", b"nan", b"1e999", b"{"]
                )
            case _:
                data = data[:place] if len(data) > 8 else data
    return bytes(data)


def changed(value: Any, rng: random.Random) -> Any:
    if rng.random() < 0.15 or not isinstance(value, list | dict) or not value:
        return rng.choice(ODD)
    if isinstance(value, list):
        place = rng.randrange(len(value))
        return [*value[:place], changed(value[place], rng), *value[place + 1 :]]
    key = rng.choice(list(value))
    if rng.random() < 0.15:
        return {name: each for name, each in value.items() if name != key}
    return {**value, key: changed(value[key], rng)}


def said(path: Path, name: str) -> str | None:
    try:
        for image in read_annotations(path, format=name):
            image.in_pixels((HEIGHT, WIDTH))
    except DataError as error:
        return str(error)
    return None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_damaged_files(tmp_path: Path) -> None:
    rng = random.Random(0)
    names = ["auto", *list_formats()]
    refused = 0
    for number in range(FILES):
        case = CASES[number % len(CASES)]
        content = case.content.encode() if isinstance(case.content, str) else case.content
        path = tmp_path / f"{number}-{case.file}"
        path.write_bytes(damaged(content, rng))
        for name in {"auto", case.format, rng.choice(names)}:
            message = said(path, name)
            if message is not None:
                refused += name == "auto"
                assert path.name in message, (case, name, message)
                assert len(message.splitlines()) == 1, (case, name, message)
    assert FILES / 10 < refused < FILES  # neither is everything read, nor is everything refused


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_beside_a_photograph(tmp_path: Path) -> None:
    rng = random.Random(1)
    for number in range(FILES // 10):
        case = CASES[number % len(CASES)]
        folder = tmp_path / str(number)
        folder.mkdir()
        Image.new("RGB", (WIDTH, HEIGHT)).save(folder / "a.jpg")
        content = case.content.encode() if isinstance(case.content, str) else case.content
        (folder / case.file).write_bytes(damaged(content, rng))
        try:
            report = check_dataset(CrowdFolder(folder, missing=rng.choice(["error", "empty"])))
        except DataError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017 (either is right)
        else:
            assert all(len(issue.message.splitlines()) == 1 for issue in report.issues)
