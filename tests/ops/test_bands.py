"""What is computed in bands of rows is what is computed at once."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.ops import bands, upsample


def network(kernel: Tensor, calls: list[int]):
    def run(coarse: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
        """One result at each of two resolutions; the first looks 2 coarse rows far."""
        calls.append(coarse.shape[-2])
        y = F.conv2d(upsample(coarse) + fine, kernel, padding=2, dilation=2)
        return y, F.conv2d(coarse, kernel, padding=1)

    return run


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("height", [33, 48, 49])
def test_bands_are_the_whole(
    monkeypatch: pytest.MonkeyPatch, layout: torch.memory_format, height: int
) -> None:
    torch.manual_seed(0)
    kernel = torch.randn(6, 6, 3, 3, dtype=torch.float64)
    coarse = torch.randn(2, 6, height, 5, dtype=torch.float64).contiguous(memory_format=layout)
    fine = torch.randn(2, 6, 2 * height, 10, dtype=torch.float64).contiguous(memory_format=layout)
    calls: list[int] = []
    run = network(kernel, calls)
    whole = run(coarse, fine)
    calls.clear()
    monkeypatch.setattr(bands, "_BAND_BYTES", 1)
    with torch.no_grad():
        found = bands.by_rows(run, [coarse, fine], halo=2, channels=6, scale=2)
    assert len(calls) == -(-height // 16) > 2  # a band has 8 halos of rows at most
    assert max(calls) <= 16 + 2 * 2
    for each, expected in zip(found, whole, strict=True):
        torch.testing.assert_close(each, expected, rtol=1e-12, atol=1e-12)
        assert each.is_contiguous(memory_format=layout)


def test_at_once_where_bands_do_not_help(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    run = network(torch.randn(6, 6, 3, 3), calls)
    x = [torch.randn(1, 6, 60, 4), torch.randn(1, 6, 120, 8)]
    with torch.no_grad():
        bands.by_rows(run, x, halo=2, channels=6, scale=2)
    assert calls == [60]  # small maps
    monkeypatch.setattr(bands, "_BAND_BYTES", 1)
    bands.by_rows(run, x, halo=2, channels=6, scale=2)
    assert calls == [60, 60]  # gradients
    with torch.no_grad():
        bands.by_rows(run, x, halo=2, channels=6, scale=2)
    assert len(calls) > 4


def test_a_band_holds_less_than_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def widen(x: Tensor) -> tuple[Tensor]:
        y = upsample(x.repeat(1, 8, 1, 1))
        sizes.append(y.nbytes)
        return (y[:, :1],)

    monkeypatch.setattr(bands, "_BAND_BYTES", 2**18)
    with torch.no_grad():
        [found] = bands.by_rows(widen, [torch.rand(1, 4, 200, 32)], halo=1, channels=32, scale=2)
    assert found.shape == (1, 1, 400, 64)
    assert 2**17 < max(sizes) <= 2**18
