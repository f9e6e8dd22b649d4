"""Networks as ONNX files and exported programs: they count as the network does, or are not written."""

import json
import sys

import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from crowdkit.errors import ArgumentError, MissingDependencyError, UnknownNameError
from crowdkit.export import ExportError, _export as export_module, export_model
from crowdkit.models import CrowdModel, create_model, list_models
from crowdkit.ops import pad_to_multiple
from crowdkit.prediction import Prediction

# Keywords that make each small; the published form of a network where it takes other paths through the code.
SMALL = {
    "can": {},
    "cfanet": {"crr_widths": (4,) * 4, "dle_widths": (4,) * 4, "dme_widths": (8, 8, 8, 4), "init": "kaiming"},
    "cfanet_lite": {
        "encoder": "test_efficientnet",
        "encoder_strides": (16, 8, 4),
        "crr_widths": (8, 8, 8),
        "dle_widths": (8, 8, 8),
        "dme_widths": (8, 8, 8),
        "injection": "input",
        "hard_levels": True,
    },
    "csrnet": {"edges": "drop", "output": "identity"},
    "dsnet": {},
    "marunet": {"bridge": 8, "crr_widths": (8, 8, 8, 8, 4), "widths": (8, 8, 8, 8, 4), "init": "kaiming"},
    "mcnn": {"edges": "resize", "output": "relu"},
    "sanet": {},
    "vgg19_bl": {"edges": "drop", "align_corners": True, "output": "abs"},
}
# Of one size alone.
FIXED = {"sfcn_resnet101": {"blocks": (1, 1, 1), "widths": (8,)}}


class Gray(CrowdModel):
    """A convolution: stride 4, any size, a hundred weights."""

    name, stride = "gray", 4

    def __init__(self, *, bias=0.0):
        super().__init__()
        self.config = {"bias": bias}
        self.conv = nn.Conv2d(3, 1, 4, stride=4)
        nn.init.constant_(self.conv.bias, bias)

    def forward(self, images):
        return Prediction(nn.functional.softplus(self.conv(pad_to_multiple(images, 4))) / 100)


class OneSize(Gray):
    one_size = "a test says so"


class Branching(Gray):
    def forward(self, images):
        return super().forward(images * 2 if images.mean() > 0.5 else images)


def density(model, images):
    with torch.no_grad():
        return model.eval()(images).density


def run_onnx(path, images):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    [found] = session.run(None, {"images": images.numpy()})
    return torch.from_numpy(found)


def agree(found, expected):
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4 * float(expected.abs().max()))
    torch.testing.assert_close(found.sum((1, 2, 3)), expected.sum((1, 2, 3)), rtol=1e-4, atol=1e-6)


def test_every_model_is_exported_here():
    assert sorted({**SMALL, **FIXED}) == list_models()


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_onnx_of_any_batch_and_size_counts_the_same(name, tmp_path):
    torch.manual_seed(0)
    model = create_model(name, **SMALL[name])
    path = tmp_path / "model.onnx"
    assert export_model(model, path).difference <= 1e-4
    proto = onnx.load(path)
    assert {each.domain for each in (*proto.opset_import, *proto.graph.node)} <= {"", "ai.onnx"}
    if name.startswith("cfanet"):  # the runtime is slow at the transposed convolutions that are fast in torch
        assert "ConvTranspose" not in {each.op_type for each in proto.graph.node}
    for shape in ((1, 3, 64, 133), (3, 3, 91, 66), (1, 3, 128, 96)):
        images = torch.rand(shape)
        found = run_onnx(path, images)
        stride = model.stride
        assert found.shape == (shape[0], 1, -(-shape[2] // stride), -(-shape[3] // stride))
        agree(found, density(model, images))


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".onnx", ".pt2"])
def test_the_default_encoder_of_cfanet_lite_is_traced_to_an_end(ending, tmp_path):
    # Its convolutions pad as TensorFlow does, by the sides in timm, which the tracer could not follow in minutes.
    torch.manual_seed(0)
    assert export_model(create_model("cfanet_lite"), tmp_path / f"lite{ending}").difference <= 1e-4


@pytest.mark.parametrize("name", FIXED)
def test_a_model_of_one_size_says_why_and_takes_one(name, tmp_path):
    torch.manual_seed(0)
    model, path = create_model(name, **FIXED[name]), tmp_path / "model.onnx"
    with pytest.raises(ArgumentError, match=r"size: expected \(height, width\).*because messages pass"):
        export_model(model, path)
    written = export_model(model, path, size=(33, 46))
    assert written.size == (33, 46)
    assert [shape[2:] for shape in written.tried] == [(33, 46)] * 2
    assert written.metadata["output"].startswith("density: float32 (batch, 1, 5, 6), people per cell")
    images = torch.rand(2, 3, 33, 46)
    agree(run_onnx(path, images), density(model, images))


def test_the_file_says_what_it_takes_and_gives(tmp_path):
    path = tmp_path / "folder" / "gray.onnx"
    written = export_model(Gray(bias=1.0), path)
    assert [each.name for each in path.parent.iterdir()] == ["gray.onnx"]
    proto = onnx.load(path)
    said = {each.key: each.value for each in proto.metadata_props}
    assert said == written.metadata
    assert (said["model"], said["stride"], json.loads(said["config"])) == ("gray", "4", {"bias": 1.0})
    assert said["input"] == (
        "images: float32 (batch, 3, height, width), RGB in [0, 1]; any height and width from 64 pixels"
    )
    [taken], [given] = proto.graph.input, proto.graph.output
    sides = [
        [side.dim_param or side.dim_value for side in each.type.tensor_type.shape.dim]
        for each in (taken, given)
    ]
    assert sides == [["batch", 3, "height", "width"], ["batch", 1, "rows", "columns"]]
    assert (taken.name, given.name) == ("images", "density")


def test_an_exported_program_counts_the_same_and_says_the_same(tmp_path):
    model, path = Gray(), tmp_path / "gray.pt2"
    written = export_model(model, path)
    extra = {"crowdkit.json": ""}
    graph = torch.export.load(path, extra_files=extra).module()
    assert json.loads(extra["crowdkit.json"]) == written.metadata
    for shape in ((1, 3, 64, 64), (4, 3, 65, 99)):
        images = torch.rand(shape)
        agree(graph(images), density(model, images))


def test_the_model_is_left_as_it_was(tmp_path):
    model = Gray().double().train()
    export_model(model, tmp_path / "gray.pt2")
    assert model.training
    assert {(each.dtype, each.requires_grad) for each in model.parameters()} == {(torch.float64, True)}


def test_a_map_of_nobody_agrees_with_itself(tmp_path):
    model = Gray(bias=-200.0)
    assert not density(model, torch.rand(1, 3, 80, 80)).any()
    written = export_model(model, tmp_path / "gray.pt2")
    assert (written.people, written.difference) == (0, 0)


def test_a_trained_network_is_compared_where_it_sees_people(tmp_path):
    # In random pixels it sees nobody, and a file that always says so would pass.
    model = create_model("cfanet_lite", weights="shanghaitech").eval()
    assert density(model, torch.rand(3, 3, 75, 130)).sum() < 1e-4
    for size in (None, (300, 400)):
        written = export_model(model, tmp_path / "lite.pt2", size=size)
        assert written.people > 30
        assert 0 <= written.difference <= 1e-4


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda found: found * 1.001, r"to 1e-04 of its largest cell and of its count, got 1\.0e-03"),
        (lambda found: found + torch.rand_like(found).sign() * 1e-6, "of its count, got"),
        (lambda found: found * torch.nan, "got nan"),
        (lambda found: found[..., :-1], "expected a map of shape"),
        (lambda found: found / torch.zeros(2, 3), "RuntimeError"),
    ],
    ids=["scaled", "shifted", "nan", "a column short", "broken"],
)
def test_a_file_that_disagrees_is_not_written(spoil, message, tmp_path, monkeypatch):
    path = tmp_path / "gray.pt2"
    path.write_text("what was there")
    runner = export_module.program_runner
    monkeypatch.setattr(
        export_module, "program_runner", lambda file: lambda images: spoil(runner(file)(images))
    )
    with pytest.raises(ExportError, match=message):
        export_model(Gray(), path)
    assert [each.name for each in tmp_path.iterdir()] == ["gray.pt2"]
    assert path.read_text() == "what was there"


def test_a_network_that_is_no_graph_is_told(tmp_path):
    with pytest.raises(ExportError, match=r"expected one graph of gray for images of any size, got \w+: "):
        export_model(Branching(), tmp_path / "gray.pt2")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_missing_packages_are_told_with_the_install_line(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf"{package}.*pip install 'crowdkit\[export\]'"):
        export_model(Gray(), tmp_path / "gray.onnx")
    assert not list(tmp_path.iterdir())


def test_mistakes_are_told(tmp_path):
    with pytest.raises(UnknownNameError, match=r"path: expected one of '\.onnx', '\.pt2', got '\.onx'"):
        export_model(Gray(), tmp_path / "gray.onx")
    for size in ((64,), (64, 0), (64, True), (64.0, 64)):
        with pytest.raises(ArgumentError, match="size: expected"):
            export_model(Gray(), tmp_path / "gray.pt2", size=size)
    with pytest.raises(ArgumentError, match="because a test says so"):
        export_model(OneSize(), tmp_path / "gray.pt2")
