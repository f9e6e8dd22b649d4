"""Heads in JSON: plain lists, LabelMe, and COCO for a whole folder."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from crowdkit.errors import DataError

# Of COCO's seventeen body keypoints these lie on the head.
_HEAD_KEYPOINTS = ("head", "nose", "left_eye", "right_eye", "left_ear", "right_ear")
_PREFERRED_CATEGORIES = ("head", "person")


def read_json(path: Path) -> Tensor:
    """Read the heads of one image from JSON.

    Args:
        path: A list of ``[x, y]`` or of ``{"x": x, "y": y}``, the same under the key ``points``, or a LabelMe
            file: of its shapes points and circles give their center, rectangles the middle of the box.

    Returns:
        Shape (N, 2), float64 (x, y) as they stand in the file.

    Raises:
        DataError: If the file is missing, damaged, or of another form.
    """
    with _damage_told(path, "points or LabelMe"):
        content = _load(path)
        if isinstance(content, dict) and "shapes" in content:
            return _tensor([_shape_center(shape, path) for shape in content["shapes"]], path)
        if isinstance(content, dict) and "points" in content:
            content = content["points"]
        if not isinstance(content, list):
            keys = sorted(content) if isinstance(content, dict) else type(content).__name__
            hint = "it looks like COCO, give it as the annotations of the whole folder"
            raise DataError(
                f"{path}: expected a list of points, 'points' or LabelMe's 'shapes', got {keys}; "
                + (hint if "images" in keys else "see the formats in the docs of CrowdFolder")
            )
        return _tensor(
            [(each.get("x"), each.get("y")) if isinstance(each, dict) else each for each in content], path
        )


def read_coco(path: Path) -> dict[str, Tensor]:
    """Read the heads of many images from a COCO file.

    An annotation with visible keypoints on the head (nose, eyes, ears, or one called head) gives their mean,
    any other the center of its box. Of the declared categories ``head`` is read, or else ``person``, or else the
    only one.

    Args:
        path: A JSON file with ``images`` and ``annotations``.

    Returns:
        For every image's file name shape (N, 2), float64 (x, y) as they stand in the file.

    Raises:
        DataError: If the file is missing, damaged, of another form, or marks a crowd as one region, if it is
            not clear which category to read, or if two paths in it end in one file name.
    """
    with _damage_told(path, "COCO"):
        content = _load(path)
        if not (
            isinstance(content, dict)
            and isinstance(content.get("images"), list)
            and isinstance(content.get("annotations"), list)
        ):
            raise DataError(
                f"{path}: expected COCO with the lists 'images' and 'annotations', got another form; "
                "see the formats in the docs of CrowdFolder"
            )
        categories = {each["id"]: each for each in content.get("categories", [])}
        wanted = _category(content, categories, path)
        names = _names(content, path)
        heads: dict[str, list[Any]] = {name: [] for name in names.values()}
        for each in content["annotations"]:
            category = each.get("category_id")
            if category != wanted:
                continue
            if each.get("iscrowd"):
                raise DataError(
                    f"{path}: expected one annotation a head, got a region of many (iscrowd) in "
                    f"{names[each['image_id']]}; mark its heads, or remove the image"
                )
            heads[names[each["image_id"]]].append(_head(each, categories.get(category, {})))
        return {name: _tensor(points, path) for name, points in heads.items()}


@contextmanager
def _damage_told(path: Path, form: str) -> Iterator[None]:
    """Turn whatever reading a malformed file raises into a DataError."""
    try:
        yield
    except DataError:
        raise
    except KeyError as error:
        raise DataError(f"{path}: expected {form}, got an entry without {error}; complete it") from error
    except (TypeError, IndexError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise DataError(f"{path}: expected {form}, got malformed JSON ({error}); check the file") from error


def _names(content: dict[str, Any], path: Path) -> dict[Any, str]:
    """Give the file name of every image's id."""
    places: dict[str, Path] = {}
    names = {}
    for image in content["images"]:
        place = Path(image["file_name"])
        if places.setdefault(place.name, place) != place:
            raise DataError(
                f"{path}: expected one image a file name, got {places[place.name]} and {place}; "
                "rename one, or give each folder a file of its own"
            )
        names[image["id"]] = place.name
    return names


def _category(content: dict[str, Any], categories: dict[Any, Any], path: Path) -> Any:
    used = {each.get("category_id") for each in content["annotations"]}
    if len(categories) <= 1 and len(used) <= 1:
        return next(iter(used), None)
    declared = categories or {each: {} for each in used}
    by_name = {str(each.get("name", key)).lower(): key for key, each in declared.items()}
    for name in _PREFERRED_CATEGORIES:
        if name in by_name:
            return by_name[name]
    raise DataError(
        f"{path}: expected one category, or head or person among them, got {sorted(by_name)}; "
        "name the one to read head"
    )


def _head(annotation: dict[str, Any], category: dict[str, Any]) -> tuple[float, float]:
    flat = annotation.get("keypoints") or []
    names = category.get("keypoints") or ["nose", "left_eye", "right_eye", "left_ear", "right_ear"]
    triples = zip(flat[0::3], flat[1::3], flat[2::3], strict=True)
    seen = [
        (x, y)
        for name, (x, y, visible) in zip(names, triples, strict=False)
        if visible and name in _HEAD_KEYPOINTS
    ]
    if seen:
        return sum(x for x, _ in seen) / len(seen), sum(y for _, y in seen) / len(seen)
    x, y, width, height = annotation["bbox"]
    return x + width / 2, y + height / 2


def _shape_center(shape: Any, path: Path) -> Any:
    kind, corners = shape.get("shape_type", "point"), shape.get("points") or []
    if kind in ("point", "circle") and corners:
        return corners[0]
    if kind == "rectangle" and len(corners) >= 2:
        return [sum(side) / len(corners) for side in zip(*corners, strict=True)]
    raise DataError(
        f"{path}: expected points, circles or rectangles, got a shape {kind!r}; mark heads as points"
    )


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected an annotation file, got no such file; check the path") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected JSON, got a damaged file ({error}); replace it") from error


def _tensor(pairs: list[Any], path: Path) -> Tensor:
    for number, pair in enumerate(pairs):
        two = isinstance(pair, list | tuple) and len(pair) == 2
        if not two or not all(isinstance(each, int | float) for each in pair):
            raise DataError(f"{path}: expected two numbers a point, got {pair!r} as point {number}")
    return torch.tensor(pairs, dtype=torch.float64).reshape(-1, 2)
