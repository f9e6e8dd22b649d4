"""A file of every format of annotations as its tool writes it, all with the same three heads."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import savemat

HEADS = [(20.5, 30.5), (300.25, 100.0), (160.0, 220.0)]
HEIGHT, WIDTH = 240, 320
SIDE = 10.0


@dataclass(frozen=True)
class Case:
    """One file.

    Attributes:
        format: The format that it is of.
        file: Its name; that of the image is a.jpg.
        content: What is in it.
        named: Whether it names its image.
        sized: Whether it marks boxes, of the side SIDE.
        labels: The classes of its heads.
        image_size: Whether it says the image's size.
        exact: Whether it holds places finer than a pixel.
    """

    format: str
    file: str
    content: str | bytes
    named: bool = True
    sized: bool = False
    labels: tuple[str, ...] = ("head",) * 3
    image_size: bool = True
    exact: bool = True
    note: str = ""
    keywords: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.format}-{self.note or self.file}"


def each(text: Callable[..., str], *, join: str = "") -> str:
    return join.join(text(x, y) for x, y in HEADS)


def box(x: float, y: float) -> list[float]:
    return [x - 5, y - 5, SIDE, SIDE]


def cvat(shapes: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta/>'
        f'<image id="0" name="a.jpg" width="{WIDTH}" height="{HEIGHT}">{shapes}</image></annotations>'
    )


CVAT_TRACK = (
    "<annotations><version>1.1</version><meta><task><size>1</size><original_size>"
    f"<width>{WIDTH}</width><height>{HEIGHT}</height></original_size></task></meta>"
    + each(
        lambda x, y: (
            f'<track id="0" label="head"><points frame="0" outside="0" points="{x},{y}"/>'
            f'<points frame="0" outside="1" points="1,1"/></track>'
        )
    )
    + "</annotations>"
)
SKELETON = cvat(
    each(
        lambda x, y: (
            '<skeleton label="person"><points label="foot" outside="0" points="1,1"/>'
            f'<points label="Head" outside="0" points="{x},{y}"/>'
            '<points label="nose" outside="1" points="2,2"/></skeleton>'
        )
    )
)
VOC = (
    "<annotation><folder>x</folder><filename>a.jpg</filename>"
    f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
    + each(
        lambda x, y: (
            f"<object><name>head</name><difficult>0</difficult><bndbox><xmin>{x - 4.5}</xmin><ymin>{y - 4.5}</ymin>"
            f"<xmax>{x + 5.5}</xmax><ymax>{y + 5.5}</ymax></bndbox></object>"
        )
    )
    + "</annotation>"
)


def label_studio(x: float, y: float) -> dict[str, Any]:
    return {
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "value": {"x": x / 3.2, "y": y / 2.4, "width": 0.5, "keypointlabels": ["head"]},
        "id": f"r{x}",
        "from_name": "kp",
        "to_name": "image",
        "type": "keypointlabels",
    }


LABEL_STUDIO = [
    {"id": 7, "data": {"image": "/data/upload/3/624cb493-a.jpg"}, "annotations": [{"id": 1, "result": []}]},
]
LABEL_STUDIO[0]["annotations"][0]["result"] = [label_studio(x, y) for x, y in HEADS]
LABEL_STUDIO_BOXES = json.loads(json.dumps(LABEL_STUDIO))
LABEL_STUDIO_BOXES[0]["annotations"][0]["result"] = [
    {
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "type": "rectanglelabels",
        "value": {
            "x": (x - 5) / 3.2,
            "y": (y - 5) / 2.4,
            "width": SIDE / 3.2,
            "height": SIDE / 2.4,
            "rotation": 0,
            "rectanglelabels": ["head"],
        },
    }
    for x, y in HEADS
]
LABEL_STUDIO_MIN = [
    {
        "id": 1,
        "image": "/data/upload/3/624cb493-a.jpg",
        "label": [
            {
                "x": x / 3.2,
                "y": y / 2.4,
                "width": 0.5,
                "keypointlabels": ["head"],
                "original_width": WIDTH,
                "original_height": HEIGHT,
            }
            for x, y in HEADS
        ],
        "annotator": 1,
    }
]
VIA = {
    "a.jpg9": {
        "filename": "a.jpg",
        "size": 9,
        "regions": [
            {
                "shape_attributes": {"name": "point", "cx": x, "cy": y},
                "region_attributes": {"label": "head"},
            }
            for x, y in HEADS
        ],
        "file_attributes": {},
    }
}
VIA_CSV = (
    "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
    + "".join(
        f'a.jpg,9,"{{}}",3,{i},"{{""name"":""rect"",""x"":{x - 5},""y"":{y - 5},""width"":10,""height"":10}}","{{}}"\n'
        for i, (x, y) in enumerate(HEADS)
    )
)
COCO = {
    "images": [{"id": 0, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}],
    "categories": [{"id": 0, "name": "cells"}, {"id": 1, "name": "head", "supercategory": "cells"}],
    "annotations": [
        {"id": i, "image_id": "0", "category_id": 1, "bbox": box(x, y), "iscrowd": 0}
        for i, (x, y) in enumerate(HEADS)
    ],
}
COCO_POINTS = {
    "images": [{"id": 0, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}],
    "categories": [{"id": 1, "name": "head", "keypoints": ["point"]}],
    "annotations": [{"id": 1, "image_id": 0, "category_id": 1, "keypoints": [x, y, 2]} for x, y in HEADS],
}
LABELME = {
    "version": "5.0",
    "shapes": [{"label": "head", "shape_type": "point", "points": [[x, y]]} for x, y in HEADS],
    "imagePath": "..\\photos\\a.jpg",
    "imageData": None,
    "imageWidth": WIDTH,
    "imageHeight": HEIGHT,
}
LABELME_SHAPES = {
    **LABELME,
    "shapes": [
        {"label": "head", "shape_type": "rectangle", "points": [[x - 5, y - 5], [x + 5, y + 5]]}
        for x, y in HEADS[:2]
    ]
    + [
        {
            "label": "head",
            "shape_type": "polygon",
            "points": [[x - 5, y - 5], [x + 5, y - 5], [x + 5, y + 5], [x - 5, y + 5]],
        }
        for x, y in HEADS[2:]
    ],
}
CCLABELER = {
    "img_id": "a.jpg",
    "human_num": 3,
    "boxes": [{"sx": x - 5, "sy": y - 5, "ex": x + 5, "ey": y + 5} for x, y in HEADS[:1]],
    "points": [{"x": x, "y": y} for x, y in HEADS[1:]],
}
DOTDOTGOOSE = {
    "metadata": {"survey_id": ""},
    "classes": ["head", "other"],
    "points": {"a.jpg": {"head": [{"x": x, "y": y} for x, y in HEADS]}},
    "colors": {"head": [0, 0, 0]},
    "custom_fields": {"fields": [], "data": {}},
}
DARWIN = {
    "version": "2.0",
    "item": {"name": "a.jpg", "path": "/", "slots": [{"width": WIDTH, "height": HEIGHT, "slot_name": "0"}]},
    "annotations": [{"id": "0", "name": "head", "keypoint": {"x": x, "y": y}} for x, y in HEADS],
}
CROWDHUMAN = json.dumps(
    {
        "ID": "a",
        "gtboxes": [
            {
                "tag": "person",
                "hbox": box(x, y),
                "head_attr": {"ignore": 0},
                "fbox": [0, 0, 1, 1],
                "extra": {},
            }
            for x, y in HEADS
        ]
        + [{"tag": "mask", "hbox": [0, 0, 1, 1], "extra": {"ignore": 1}}],
    }
)
CELL_COUNTER = (
    "<?xml version='1.0' encoding='UTF-8'?><CellCounter_Marker_File><Image_Properties><Image_Filename>a.jpg"
    "</Image_Filename></Image_Properties><Marker_Data><Current_Type>1</Current_Type><Marker_Type><Type>1</Type>"
    "<Name>head</Name>"
    + each(lambda x, y: f"<Marker><MarkerX>{x}</MarkerX><MarkerY>{y}</MarkerY><MarkerZ>1</MarkerZ></Marker>")
    + "</Marker_Type></Marker_Data></CellCounter_Marker_File>"
)


def saved(write: Callable[[io.BytesIO], Any]) -> bytes:
    content = io.BytesIO()
    write(content)
    return content.getvalue()


def dot_picture() -> bytes:
    lit = np.zeros((HEIGHT, WIDTH), np.uint8)
    for x, y in HEADS:
        lit[int(y), int(x)] = 255
    return saved(lambda file: Image.fromarray(lit).save(file, "PNG"))


def matlab(points: Any) -> np.ndarray:
    return np.asarray(points) + 0.5


NO = {"labels": ()}
CASES = (
    Case("cvat", "annotations.xml", cvat(each(lambda x, y: f'<points label="head" points="{x},{y}"/>'))),
    Case(
        "cvat",
        "a.xml",
        cvat(f'<points label="head" points="{each(lambda x, y: f"{x},{y}", join=";")}"/>'),
        note="many",
    ),
    Case(
        "cvat",
        "boxes.xml",
        cvat(
            each(lambda x, y: f'<box label="head" xtl="{x - 5}" ytl="{y - 5}" xbr="{x + 5}" ybr="{y + 5}"/>')
        ),
        sized=True,
    ),
    Case("cvat", "skeletons.xml", SKELETON, labels=("person",) * 3),
    Case("cvat", "video.xml", CVAT_TRACK, note="video"),
    Case("labelstudio", "project.json", json.dumps(LABEL_STUDIO)),
    Case("labelstudio", "boxes.json", json.dumps(LABEL_STUDIO_BOXES), sized=True),
    Case("labelstudio", "min.json", json.dumps(LABEL_STUDIO_MIN)),
    Case("via", "via.json", json.dumps(VIA), image_size=False),
    Case(
        "via", "project.json", json.dumps({"_via_settings": {}, "_via_img_metadata": VIA}), image_size=False
    ),
    Case("via_csv", "via.csv", VIA_CSV, sized=True, image_size=False, **NO),
    Case("via_csv", "old.csv", "#" + VIA_CSV, sized=True, image_size=False, **NO),
    Case(
        "makesense",
        "labels.csv",
        each(lambda x, y: f"head,{int(x)},{int(y)},a.jpg,{WIDTH},{HEIGHT}\n"),
        exact=False,
    ),
    Case(
        "makesense",
        "boxes.csv",
        each(lambda x, y: f"Head,{x - 5},{y - 5},10,10,a.jpg,{WIDTH},{HEIGHT}\n"),
        sized=True,
        labels=("Head",) * 3,
    ),
    Case("coco", "_annotations.coco.json", json.dumps(COCO), sized=True),
    Case("coco", "keypoints.json", json.dumps(COCO_POINTS)),
    Case("voc", "a.xml", VOC, sized=True),
    Case(
        "yolo",
        "a.txt",
        each(lambda x, y: f"0 {x / WIDTH} {y / HEIGHT} {SIDE / WIDTH} {SIDE / HEIGHT}\n"),
        named=False,
        sized=True,
        image_size=False,
        labels=("0",) * 3,
    ),
    Case("labelme", "a.json", json.dumps(LABELME)),
    Case("labelme", "shapes.json", json.dumps(LABELME_SHAPES), sized=True),
    Case("cclabeler", "a.json", json.dumps(CCLABELER), image_size=False, **NO),
    Case("dotdotgoose", "survey.pnt", json.dumps(DOTDOTGOOSE), image_size=False),
    Case(
        "imagej",
        "Results.csv",
        " ,Label,Area,Mean,X,Y\n" + each(lambda x, y: f"1,a.jpg:0001-0002,0,12.5,{x},{y}\n"),
        image_size=False,
        **NO,
    ),
    Case(
        "imagej",
        "Results.xls",
        " \tX\tY\n" + each(lambda x, y: f"1\t{x}\t{y}\n"),
        named=False,
        image_size=False,
        **NO,
    ),
    Case("cell_counter", "CellCounter_a.xml", CELL_COUNTER, image_size=False),
    Case(
        "napari",
        "a.csv",
        "index,axis-0,axis-1\n" + each(lambda x, y: f"0.0,{y - 0.5},{x - 0.5}\n"),
        named=False,
        image_size=False,
        **NO,
    ),
    Case("darwin", "a.json", json.dumps(DARWIN)),
    Case(
        "crowdhuman",
        "annotation.odgt",
        f"{CROWDHUMAN}\n{CROWDHUMAN.replace(chr(34) + 'a' + chr(34), chr(34) + 'b' + chr(34))}\n",
        sized=True,
        image_size=False,
        labels=("person",) * 3,
    ),
    Case("points", "a.json", json.dumps(HEADS), named=False, image_size=False, note="list", **NO),
    Case(
        "points",
        "a.json",
        json.dumps({"points": [{"x": x, "y": y} for x, y in HEADS]}),
        named=False,
        image_size=False,
        note="tables",
        **NO,
    ),
    Case(
        "points",
        "all.json",
        json.dumps({"a.jpg": {"points": HEADS, "H": 480, "W": 640, "ratio_h": 0.5}}),
        image_size=False,
        note="FSC-147",
        **NO,
    ),
    Case(
        "points",
        "names.json",
        json.dumps({"a.jpg": HEADS, "b.jpg": []}),
        image_size=False,
        note="names",
        **NO,
    ),
    Case(
        "points",
        "train.jsonl",
        json.dumps({"filename": "a.jpg", "points": HEADS})
        + "\n"
        + json.dumps({"filename": "b.jpg", "points": []})
        + "\n",
        image_size=False,
        **NO,
    ),
    Case(
        "points",
        "metadata.jsonl",
        json.dumps({"file_name": "a.jpg", "objects": {"bbox": [box(x, y) for x, y in HEADS]}}),
        sized=True,
        image_size=False,
        **NO,
    ),
    Case(
        "npy",
        "a.npy",
        saved(lambda file: np.save(file, np.array(HEADS))),
        named=False,
        image_size=False,
        **NO,
    ),
    Case(
        "npy",
        "distances.npy",
        saved(lambda file: np.save(file, np.array([[*each_, 7.0] for each_ in HEADS]))),
        named=False,
        image_size=False,
        **NO,
    ),
    Case("dots", "a_dots.png", dot_picture(), named=False, exact=False, **NO),
    Case(
        "mat",
        "GT_a.mat",
        saved(lambda file: savemat(file, {"annPoints": matlab(HEADS)})),
        named=False,
        image_size=False,
        **NO,
    ),
    Case(
        "mat",
        "turned.mat",
        saved(lambda file: savemat(file, {"heads": matlab(HEADS).T, "size": [[240, 320]]})),
        named=False,
        image_size=False,
        **NO,
    ),
    Case(
        "jhu",
        "a.txt",
        each(lambda x, y: f"{int(x)} {int(y)} 10 10 1 0\n"),
        named=False,
        sized=True,
        exact=False,
        image_size=False,
        **NO,
    ),
    Case(
        "csv",
        "a.csv",
        "x,y\n" + each(lambda x, y: f"{x},{y}\n"),
        named=False,
        image_size=False,
        note="one",
        **NO,
    ),
    Case("csv", "a.txt", each(lambda x, y: f"{x} {y}\n"), named=False, image_size=False, note="pairs", **NO),
    Case(
        "csv",
        "points.csv",
        "image;x;y;label\n"
        + each(lambda x, y: f"a.jpg;{x};{y};head\n".replace(".", ",").replace("a,jpg", "a.jpg")),
        image_size=False,
        note="semicolons",
    ),
    Case(
        "csv",
        "tensorflow.csv",
        "filename,width,height,class,xmin,ymin,xmax,ymax\n"
        + each(lambda x, y: f"a.jpg,{WIDTH},{HEIGHT},head,{x - 5},{y - 5},{x + 5},{y + 5}\n"),
        sized=True,
    ),
    Case(
        "csv",
        "utf16.csv",
        ("image,x,y\n" + each(lambda x, y: f"a.jpg,{x},{y}\n")).encode("utf-16"),
        image_size=False,
        note="UTF-16",
        **NO,
    ),
)
