"""Other people's readers and writers of annotations, to be run by a Python that has them.

``python foreign_readers.py FOLDER``: reads what crowdkit wrote into ``FOLDER/<format>`` and writes the same heads with
the other library into ``FOLDER/<format>-theirs``; prints, as JSON, the heads that each reader found: a list of
[x, y] for each image.
"""

import json
import sys
from pathlib import Path


def labelme(folder: Path) -> dict[str, list[list[float]]]:
    from labelme._label_file import LabelFile

    (folder / "labelme-theirs").mkdir()
    found = {}
    for file in sorted((folder / "labelme").glob("*.json")):
        label_file = LabelFile(str(file))
        found[file.stem] = [_middle(shape["points"]) for shape in label_file.shapes]
        label_file.save(
            filename=str(folder / "labelme-theirs" / file.name),
            shapes=label_file.shapes,
            image_path=label_file.image_path if hasattr(label_file, "image_path") else label_file.imagePath,
            image_data=None,
            image_height=240,
            image_width=320,
        )
    return found


def _middle(corners: list[list[float]]) -> list[float]:
    return [sum(side) / len(corners) for side in zip(*corners, strict=True)]


def datumaro(folder: Path, name: str, form: str, written: str) -> dict[str, list[list[float]]]:
    import datumaro as dm

    dataset = dm.Dataset.import_from(str(folder / name), form)
    found = {}
    for item in dataset:
        heads = []
        points = [mark for mark in item.annotations if mark.type == dm.AnnotationType.points]
        for mark in points or item.annotations:  # COCO's come with their boxes
            if mark.type in (dm.AnnotationType.points, dm.AnnotationType.polygon):
                heads += [list(pair) for pair in zip(mark.points[0::2], mark.points[1::2], strict=True)]
            elif mark.type == dm.AnnotationType.bbox:
                x, y, width, height = mark.get_bbox()
                heads.append([x + width / 2, y + height / 2])
        found[Path(item.id).name] = heads
    dataset.export(str(folder / f"{name}-theirs"), written, save_media=False)
    return found


CONFIG = """<View><Image name="image" value="$image"/><KeyPointLabels name="point" toName="image"><Label value="head"/>
<Label value="bird"/></KeyPointLabels><RectangleLabels name="box" toName="image"><Label value="head"/>
<Label value="bird"/></RectangleLabels></View>"""


def label_studio(folder: Path) -> dict[str, list[list[float]]]:
    from label_studio_sdk.converter import Converter

    target = folder / "labelstudio-theirs"
    converter = Converter(CONFIG, str(folder), download_resources=False)
    converter.convert_to_json(str(folder / "labelstudio"), str(target / "json"))
    converter.convert_to_json_min(str(folder / "labelstudio"), str(target / "min"))
    tasks = json.loads(next((target / "min").glob("*.json")).read_text())
    return {
        _stem(task["image"]): [
            [mark["x"] / 100 * mark["original_width"], mark["y"] / 100 * mark["original_height"]]
            for mark in task.get("point", [])
        ]
        for task in tasks
    }


def _stem(place: str) -> str:
    return Path(place.rpartition("?d=")[2]).stem


def label_studio_boxes(folder: Path) -> dict[str, list[list[float]]]:
    from label_studio_sdk.converter import Converter

    target = folder / "labelstudio-boxes-theirs"
    Converter(CONFIG, str(folder), download_resources=False).convert_to_coco(
        str(folder / "labelstudio-boxes"), str(target), output_image_dir=str(target / "images")
    )
    content = json.loads((target / "result.json").read_text())
    names = {image["id"]: _stem(image["file_name"]) for image in content["images"]}
    found = {name: [] for name in names.values()}
    for mark in content["annotations"]:
        x, y, width, height = mark["bbox"]
        found[names[mark["image_id"]]].append([x + width / 2, y + height / 2])
    return found


READERS = {
    "labelme": labelme,
    "cvat": lambda folder: datumaro(folder, "cvat", "cvat", "cvat"),
    "coco": lambda folder: datumaro(folder, "coco", "coco_person_keypoints", "coco_person_keypoints"),
    "coco-boxes": lambda folder: datumaro(folder, "coco-boxes", "coco_instances", "coco_instances"),
    "voc": lambda folder: datumaro(folder, "voc", "voc_detection", "voc_detection"),
    "yolo": lambda folder: datumaro(folder, "yolo", "yolo", "yolo"),
    "labelstudio": label_studio,
    "labelstudio-boxes": label_studio_boxes,
}

if __name__ == "__main__":
    home, found, failed = Path(sys.argv[1]), {}, {}
    for reader in sys.argv[2:] or READERS:
        try:
            found[reader] = READERS[reader](home)
        except Exception as error:
            failed[reader] = f"{type(error).__name__}: {error}"
    print(json.dumps({"found": found, "failed": failed}))
