import pytest
import torch
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, ShapeError, UnknownNameError
from crowdkit.ops import gaussian_window, separable, window_filter


@pytest.mark.parametrize(
    ("size", "sigma"), [(1, 1.5), (2, 1.0), (5, 0.8), (11, 1.5), (11, 1e-9), (4, 1e-9), (7, 1e9)]
)
def test_gaussian_window_sums_to_one_and_is_symmetric(size, sigma):
    window = gaussian_window(size, sigma)
    assert len(window) == size
    assert sum(window) == pytest.approx(1)
    assert window == window[::-1]
    assert max(window) == window[size // 2]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "dilation"), [(1, 1), (3, 1), (11, 1), (3, 4), (5, 3)])
def test_filter_is_the_convolution(padding, size, dilation):
    window = gaussian_window(size, 1.5)
    maps = torch.rand(2, 3, 13, 17, dtype=torch.float64, requires_grad=True)
    kernel = torch.outer(*(torch.tensor(window, dtype=torch.float64),) * 2).expand(3, 1, -1, -1)
    expected = F.conv2d(maps, kernel, padding=padding, dilation=dilation, groups=3)
    found = window_filter(maps, window, padding=padding, dilation=dilation)
    torch.testing.assert_close(found, expected)
    weights = torch.rand_like(expected)
    (found_grad,) = torch.autograd.grad((found * weights).sum(), maps)
    (expected_grad,) = torch.autograd.grad((expected * weights).sum(), maps)
    torch.testing.assert_close(found_grad, expected_grad)


def test_lopsided_and_even_windows_have_right_gradients():
    maps = torch.rand(6, 7, dtype=torch.float64, requires_grad=True)
    for window in ((0.1, 0.2, 0.7), (0.9, 0.1)):
        assert torch.autograd.gradcheck(lambda x, w=window: window_filter(x, w), (maps,))
        assert torch.autograd.gradgradcheck(lambda x, w=window: window_filter(x, w), (maps,))
        assert torch.autograd.gradcheck(lambda x, w=window: window_filter(x, w, dilation=2), (maps,))


def test_filter_works_under_vmap():
    maps = torch.rand(4, 6, 7)
    window = gaussian_window(3, 1.0)
    one_by_one = torch.stack([window_filter(each, window) for each in maps])
    torch.testing.assert_close(torch.vmap(lambda x: window_filter(x, window))(maps), one_by_one)


def test_filter_leaves_its_input_and_type():
    maps = torch.rand(5, 5, dtype=torch.bfloat16)
    before = maps.clone()
    assert window_filter(maps, (0.25, 0.5, 0.25)).dtype == torch.bfloat16
    assert torch.equal(maps, before)


def test_bad_arguments():
    with pytest.raises(ArgumentError, match="size: expected a whole number"):
        gaussian_window(0, 1.0)
    with pytest.raises(ArgumentError, match="sigma: expected a number > 0"):
        gaussian_window(3, 0.0)
    with pytest.raises(ShapeError, match="at least the window's 3 cells"):
        window_filter(torch.ones(2, 5), (0.2, 0.6, 0.2))
    with pytest.raises(UnknownNameError, match="did you mean 'same'"):
        window_filter(torch.ones(5, 5), (1.0,), padding="sane")
    with pytest.raises(ShapeError, match="at least the window's 5 cells"):
        window_filter(torch.ones(4, 5), (0.2, 0.6, 0.2), dilation=2)
    with pytest.raises(ArgumentError, match="dilation: expected a whole number"):
        window_filter(torch.ones(4, 5), (1.0,), dilation=0)
    with pytest.raises(ArgumentError, match="odd size"):
        window_filter(torch.ones(5, 5), (0.5, 0.5), padding="same")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(17, 23), (2, 3, 12, 40), (0, 12, 13), (5, 11, 11)], ids=str)
@pytest.mark.parametrize(("size", "dilation"), [(1, 1), (5, 1), (5, 2), (2, 3)])
def test_gathered_rows_are_shifted_adds(shape, size, dilation, dtype):
    maps = torch.rand(shape, dtype=dtype)
    taps = tuple(torch.rand(size).tolist())  # lopsided
    found = separable.correlate(maps, taps, dilation)
    assert found.is_contiguous()
    torch.testing.assert_close(found, separable.shifted_adds(maps, taps, dilation))


def test_adjoint_is_the_transpose():
    filtered = separable.SeparableFilter((0.1, 0.2, 0.7), 2)
    maps, back = torch.rand(3, 2, 12, 17, dtype=torch.float64), torch.rand(3, 2, 8, 13, dtype=torch.float64)
    there = (filtered(maps) * back).sum()
    torch.testing.assert_close((maps * filtered.adjoint(back.unbind())).sum(), there)
