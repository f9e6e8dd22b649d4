"""What every format of annotations keeps. A new one needs a row in ``annotation_cases.CASES``."""

import math
import re
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

import pytest
import torch
from annotation_cases import CASES, HEADS, HEIGHT, SIDE, WIDTH, Case
from hypothesis import HealthCheck, given, settings, strategies as st

from crowdkit.data.annotations import (
    ImageHeads,
    annotation_files,
    list_formats,
    read_annotations,
    write_annotations,
)
from crowdkit.data.annotations.formats import _is, formats
from crowdkit.data.annotations.source import Source
from crowdkit.errors import DataError


def lay(case: Case, folder: Path) -> Path:
    path = folder / case.file
    path.write_bytes(case.content.encode() if isinstance(case.content, str) else case.content)
    return path


def failure(path: Path, name: str) -> str | None:
    try:
        read_annotations(path, format=name)
    except DataError as error:
        return str(error)
    return None


def test_every_format_has_a_case() -> None:
    assert {case.format for case in CASES} == set(list_formats())


def test_the_table_of_the_docs_is_that_of_the_formats() -> None:
    page = Path(__file__).parents[2] / "docs/annotations.md"
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if re.match(r"\| `\w+` \|", line)]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert {name.strip("`"): written != "no" for name, _, _, written, *_ in rows} == {
        name: each.write is not None for name, each in formats().items()
    }
    for name, _, _, _, lost, _ in rows:
        if ":" not in lost:
            assert set(lost.split(", ")) - {""} == set(formats()[name.strip("`")].loses)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_file_is_recognized_by_its_content_alone(case: Case, tmp_path: Path) -> None:
    path = lay(case, tmp_path)
    found = [name for name, each in formats().items() if _is(each, Source(path))]
    assert found == [case.format]
    other = path.rename(tmp_path / "file.of_no_suffix")
    assert len(read_annotations(other)[0]) == 3


@pytest.mark.parametrize("case", CASES, ids=str)
def test_heads_are_read_as_the_tool_wrote_them(case: Case, tmp_path: Path) -> None:
    first = read_annotations(lay(case, tmp_path))[0]
    assert first.labels == case.labels
    assert (first.name is not None) == case.named
    assert first.image_size == ((HEIGHT, WIDTH) if case.image_size else None)
    image = first.in_pixels((HEIGHT, WIDTH))
    ordered = sorted(image.points.tolist())
    tolerance = 1e-6 if case.exact else 0.75
    for place, head in zip(ordered, sorted(HEADS), strict=True):
        assert place == pytest.approx(head, abs=tolerance)
    if case.sized:
        assert image.sizes is not None
        assert image.sizes.tolist() == pytest.approx([SIDE] * 3, rel=1e-6)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_damage_is_reported_in_one_line_with_the_file(case: Case, tmp_path: Path) -> None:
    path = lay(case, tmp_path)
    whole = path.read_bytes()
    for length in {len(whole) // 3, len(whole) - 8}:
        path.write_bytes(whole[:length])
        for name in ("auto", case.format):
            said = failure(path, name)
            assert said is None or (case.file in said and len(said.splitlines()) == 1)


numbers = st.floats(0, 1, exclude_max=True)
heads = st.lists(st.tuples(numbers, numbers, st.sampled_from(["head", "bird", "cell, red"])), max_size=6)


def image_of(places: Sequence[tuple[float, float, str]], name: str, *, size: float = math.nan) -> ImageHeads:
    return ImageHeads(
        name=name,
        points=torch.tensor([(x * WIDTH, y * HEIGHT) for x, y, _ in places], dtype=torch.float64).reshape(
            -1, 2
        ),
        sizes=None if math.isnan(size) else torch.full((len(places),), size, dtype=torch.float64),
        labels=tuple(label for _, _, label in places),
        image_size=(HEIGHT, WIDTH),
        unit="pixels",
    )


@pytest.mark.parametrize("name", sorted(set(list_formats(written=True)) - {"dots"}))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=heads, second=heads)
def test_points_come_back(
    name: str, first: list[tuple[float, float, str]], second: list[tuple[float, float, str]], tmp_path: Path
) -> None:
    written = [image_of(first, "day/a.jpg"), image_of(second, "b.jpg")]
    files = annotation_files(written, name)
    found: dict[str, ImageHeads] = {}
    for file, content in files.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if file == "classes.txt":
            continue
        for image in read_annotations(path, format=name):
            stem = Path(image.name or file).stem
            found[stem] = image.in_pixels((HEIGHT, WIDTH))
    for image in written:
        stem = Path(str(image.name)).stem
        if stem not in found:
            assert "images without heads" in formats()[name].loses
            assert not len(image)
            continue
        again = found[stem]
        assert len(again) == len(image)
        labels = again.labels if "classes" not in formats()[name].loses and len(image) else image.labels
        found_heads = list(zip(again.points.tolist(), labels, strict=True))
        true_heads = list(zip(image.points.tolist(), image.labels, strict=True))
        if name == "dotdotgoose":  # has a list for each class
            found_heads.sort(key=itemgetter(1))
            true_heads.sort(key=itemgetter(1))
        assert [label for _, label in found_heads] == [label for _, label in true_heads]
        for (place, _), (true, _) in zip(found_heads, true_heads, strict=True):
            assert place == pytest.approx(true, abs=1e-9)


@pytest.mark.parametrize(
    "name", [name for name in list_formats(written=True) if "sizes" not in formats()[name].loses]
)
def test_sizes_come_back(name: str, tmp_path: Path) -> None:
    image = image_of([(0.25, 0.5, "head"), (0.75, 0.125, "head")], "a.jpg", size=12.5)
    files = write_annotations([image], tmp_path, format=name)
    [again] = [read_annotations(file, format=name)[0] for file in files if file.name != "classes.txt"]
    again = again.in_pixels((HEIGHT, WIDTH))
    torch.testing.assert_close(again.points, image.points)
    torch.testing.assert_close(again.sizes, image.sizes)


def test_dot_pictures_hold_whole_pixels(tmp_path: Path) -> None:
    image = image_of([(0.25, 0.5, ""), (0.75, 0.125, ""), (0.753125, 0.125, "")], "a.jpg")
    [file] = write_annotations([image], tmp_path, format="dots")
    again = read_annotations(file)[0]
    assert sorted(again.points.tolist()) == [[80.5, 120.5], [240.5, 30.5], [241.5, 30.5]]
    with pytest.raises(DataError, match="one head in a pixel"):
        annotation_files([image_of([(0.5, 0.5, "")] * 2, "a.jpg")], "dots")
