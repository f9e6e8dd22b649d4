import mmap
import platform
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from cost import exponent
from hypothesis import given, settings, strategies as st
from torch import nn

from crowdkit.counting import Counter, ImageTooLargeError, Reach, find_reach, predict, predict_density
from crowdkit.counting.estimator import Estimator
from crowdkit.counting.grid import tiles_of_side, tiles_within
from crowdkit.counting.memory import bytes_per_pixel, free_memory, trim_heap
from crowdkit.counting.tiling import predict_density_tiled
from crowdkit.data import LazyImage
from crowdkit.errors import ArgumentError
from crowdkit.models import CrowdModel, create_model
from crowdkit.ops import pad_to_multiple
from crowdkit.prediction import Prediction

CPU = torch.device("cpu")
NARROW = {"levels": 3, "crr_widths": [8] * 3, "dle_widths": [8] * 3, "dme_widths": [8] * 3}


class NarrowVGG(nn.Module):
    """The encoder of CFANet with a few channels."""

    channels, strides = (8, 6, 5, 4), (8, 4, 2, 1)

    def __init__(self):
        super().__init__()
        inputs = (3, *self.channels[::-1])
        self.stages = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in pairwise(inputs))

    def forward(self, images):
        x, features = pad_to_multiple(images - 0.5, 8), []
        for index, stage in enumerate(self.stages):
            x = stage(nn.functional.max_pool2d(x, 2) if index else x).relu()
            features.append(x)
        return features[::-1]


def cfanet(**options):
    widths = {f"{each}_widths": [6, 6, 5, 4] for each in ("crr", "dle", "dme")}
    return create_model("cfanet", encoder=NarrowVGG(), levels=3, init="kaiming", **widths, **options)


MODELS = {
    "cfanet": cfanet,
    "cfanet with separate attention": lambda: cfanet(injection="input"),
    "cfanet with hard levels, undilated": lambda: cfanet(crr=False, hard_levels=True, dilation=1),
    "cfanet_lite": lambda: create_model(
        "cfanet_lite", encoder="test_resnet", encoder_strides=[16, 8, 4], **NARROW
    ),
    "mcnn": lambda: create_model("mcnn"),
    "mcnn, edges dropped": lambda: create_model("mcnn", edges="drop", output="identity"),
}


@pytest.fixture(scope="module")
def seeing():
    """A model with the reach that was found of it, once."""
    known = {}

    def get(name):
        if name not in known:
            torch.manual_seed(0)
            known[name] = (model := MODELS[name]()), find_reach(model)
        return known[name]

    return get


def _close(tiled, whole, *, rel=1e-5):
    assert tiled.shape == whole.shape
    assert float((tiled - whole).abs().max()) <= rel * float(whole.abs().max())
    assert float(tiled.sum()) == pytest.approx(float(whole.sum()), rel=rel)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    side=st.integers(4, 70),
    multiple=st.sampled_from([1, 2, 8, 12]),
    halos=st.integers(0, 3),
    pixels=st.integers(1, 5000),
)
def test_cores_share_out_the_image(height, width, side, multiple, halos, pixels):
    halo = halos * multiple
    within = tiles_within((height, width), pixels=pixels, multiple=multiple, halo=halo)
    for tiles in (tiles_of_side((height, width), side=side, multiple=multiple, halo=halo), within):
        covered = torch.zeros(height, width, dtype=torch.int32)
        for core, seen in tiles:
            covered[core.top : core.bottom, core.left : core.right] += 1
            assert core.top % multiple == core.left % multiple == 0
            assert seen == (
                max(0, core.top - halo), min(height, core.bottom + halo),
                max(0, core.left - halo), min(width, core.right + halo),
            )  # fmt: skip
        assert (covered == 1).all()
    least = max(multiple, halo)
    if any(tile.core.size[0] > least or tile.core.size[1] > least for tile in within):
        assert all(tile.seen.size[0] * tile.seen.size[1] <= pixels for tile in within)


@pytest.mark.parametrize("name", MODELS)
def test_tiles_give_the_map_of_the_whole_image(name, seeing):
    model, reach = seeing(name)
    assert reach.halo is not None
    image = torch.rand(3, 2 * reach.halo + 43, 4 * reach.halo + 5, generator=torch.Generator().manual_seed(2))
    whole = predict_density(model, image, device=CPU)
    picture = LazyImage(image)
    tiles = tiles_of_side(picture.size, side=reach.halo, multiple=reach.multiple, halo=reach.halo)
    assert len(tiles) >= 12
    _close(predict_density_tiled(model, picture, tiles, device=CPU, batch=3), whole)


@settings(max_examples=12, deadline=None)
@given(
    height=st.integers(1, 130), width=st.integers(1, 170), side=st.integers(1, 90), batch=st.integers(1, 5)
)
def test_any_size_any_tile(height, width, side, batch, seeing):
    model, (multiple, halo) = seeing("mcnn")
    image = torch.rand(3, height, width, generator=torch.Generator().manual_seed(height))
    tiles = tiles_of_side((height, width), side=max(side, 8), multiple=multiple, halo=halo)
    tiled = predict_density_tiled(model, LazyImage(image), tiles, device=CPU, batch=batch)
    _close(tiled, predict_density(model, image, device=CPU))


@pytest.mark.slow
def test_csrnet_as_it_is():
    model = create_model("csrnet")
    reach = find_reach(model)
    assert reach.multiple == 8
    image = torch.rand(3, 401, 18, generator=torch.Generator().manual_seed(2))
    tiles = tiles_of_side((401, 18), side=64, multiple=8, halo=reach.halo)
    _close(
        predict_density_tiled(model, LazyImage(image), tiles, device=CPU),
        predict_density(model, image, device=CPU),
    )


def test_the_reach_is_that_of_the_layers(seeing):
    # MCNN's first column: 9 x 9 at stride 1, 7 x 7 at 2, twice 7 x 7 at 4: 4 + 2 * 3 + 2 * 4 * 3 = 34 pixels, that
    # is nine cells, and one more for safety.
    assert seeing("mcnn")[1] == Reach(4, 40)
    # The feature maps of cfanet_lite are padded to a multiple of 32, though the deepest that is taken has 16.
    assert seeing("cfanet_lite")[1].multiple == 32
    assert seeing("cfanet")[1].multiple == 8


@pytest.mark.parametrize("name", ["cfanet", "mcnn"])
def test_without_halo_or_off_the_grid_the_map_is_another(name, seeing):
    model, reach = seeing(name)
    image = torch.rand(3, 6 * reach.halo, 2 * reach.halo, generator=torch.Generator().manual_seed(2))
    whole = predict_density(model, image, device=CPU)
    picture = LazyImage(image)
    for multiple, halo in ((reach.multiple, 0), (model.stride, reach.halo // 2 + model.stride)):
        tiles = tiles_of_side(picture.size, side=reach.halo + 1, multiple=multiple, halo=halo)
        tiled = predict_density_tiled(model, picture, tiles, device=CPU)
        assert float((tiled - whole).abs().max()) > 1e-4 * float(whole.abs().max())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (
            "cfanet_lite",
            {"encoder": "test_efficientnet", "encoder_strides": [16, 8, 4], **NARROW},
        ),  # squeeze, excite
        ("mcnn", {"edges": "resize"}),
    ],
)
def test_models_that_see_the_whole_image_refuse_tiles_unless_asked(name, options):
    torch.manual_seed(0)
    model = create_model(name, **options)
    image = torch.rand(3, 150, 190)
    with pytest.raises(ArgumentError, match=r"tile: expected 'auto' or None, got 64; .* exact=False"):
        list(predict(model, [image], device="cpu", tile=64))
    with pytest.raises(ImageTooLargeError, match=r"at most 0\.0 GiB, got 150 x 190, .*--approximate"):
        Counter(model, device="cpu", memory=1e-4).count(image)
    [whole] = predict(model, [image], device="cpu")
    [rough] = predict(model, [image], device="cpu", tile=64, exact=False)
    assert (whole.tiles, rough.tiles) == (1, 9)
    assert rough.count == pytest.approx(whole.count, rel=0.5)


@pytest.mark.parametrize("name", ["sanet", pytest.param("can", marks=pytest.mark.slow)])
def test_instance_norm_and_context_of_the_image_are_noticed(name):
    assert find_reach(create_model(name)) == Reach(8, None)


def test_memory_decides(seeing):
    model, _ = seeing("mcnn")
    model.train()
    image = torch.rand(3, 300, 401, generator=torch.Generator().manual_seed(2))
    per_pixel = bytes_per_pixel(model, device=CPU)
    enough = 1.01 * 300 * 401 * per_pixel / 2**30
    counts = {
        memory: next(predict(model, [image], device="cpu", tile=tile, memory=memory))
        for memory, tile in ((enough, "auto"), (enough / 3, "auto"), (enough / 4, None))
    }
    assert [each.tiles > 1 for each in counts.values()] == [False, True, False]
    for each in counts.values():
        _close(each.density, counts[enough].density)
    assert model.training


class Cramped(CrowdModel):
    """A network on a device that holds no more than so many pixels."""

    name, stride = "cramped", 2

    def __init__(self, most):
        super().__init__()
        self.config, self.most = {}, most
        self.layer = nn.Conv2d(3, 1, 5, padding=2, stride=2)

    def forward(self, images):
        batch, _, height, width = images.shape
        if batch * height * width > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return Prediction(self.layer(images).abs())


def test_when_memory_runs_out_tiles_are_tried():
    torch.manual_seed(0)
    image = torch.rand(3, 301, 405)
    model = Cramped(50_000)
    [found] = predict(model, [image], device="cpu")
    assert found.tiles > 1
    model.most = 10**9
    [whole] = predict(model, [image], device="cpu", tile=None)
    _close(found.density, whole.density)
    model.most = 50_000
    with pytest.raises(ImageTooLargeError, match="got 301 x 405"):
        Counter(model, device="cpu", tile=None).count(image)


def test_when_no_tile_is_small_enough_it_is_told():
    model = Cramped(10**9)
    estimator = Estimator(model, device=CPU)
    assert estimator.reach.halo == 4
    assert estimator(LazyImage(torch.rand(3, 200, 200)))[1] == 1
    model.most = 1
    with pytest.raises(ImageTooLargeError, match="got 301 x 405"):
        estimator(LazyImage(torch.rand(3, 301, 405)))


def test_the_memory_of_a_network_is_that_of_its_living_tensors():
    class Two(CrowdModel):
        name, stride = "two", 1

        def forward(self, images):
            wide = images.repeat(1, 10, 1, 1)  # 120 bytes a pixel, and 120 for what follows while it lives
            wide = wide + 1
            wide = wide.relu_()
            return Prediction(wide[:, :1].clone())

    assert bytes_per_pixel(Two(), device=CPU) == pytest.approx(1.25 * (12 + 240), rel=0.05)
    assert free_memory(CPU) > 2**20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library decides what it keeps")
def test_memory_of_tensors_that_are_gone_is_given_back():
    def held():
        pages = Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * mmap.PAGESIZE

    blocks = [torch.ones(2**14) for _ in range(3200)]  # 200 MiB in blocks that the C library keeps
    last = torch.ones(2**14)  # above them, so that the heap cannot simply shrink
    before = held()
    del blocks
    trim_heap()
    assert held() < before - 150 * 2**20
    assert bool(last.all())


def test_bad_arguments_are_told(seeing):
    model, _ = seeing("mcnn")
    image = torch.rand(3, 20, 20)
    for options in ({"tile": 0}, {"tile": "whole"}, {"tile": True}, {"memory": 0.0}, {"readers": -1}):
        (name,) = options
        with pytest.raises(ArgumentError, match=f"{name}: expected"):
            list(predict(model, [image], device="cpu", **options))


def test_tiles_cost_by_the_pixels_of_the_image():
    def shown(side):
        tiles = tiles_within((side, side), pixels=2000 * 2000, multiple=32, halo=320)
        return sum(tile.seen.size[0] * tile.seen.size[1] for tile in tiles)

    assert exponent([shown(side) for side in (8_000, 16_000, 32_000)], 4) == pytest.approx(1, abs=0.05)
