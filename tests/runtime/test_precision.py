"""Mixed precision: what runs in which number format."""

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from crowdkit.errors import UnknownNameError
from crowdkit.runtime import autocast

CPU = torch.device("cpu")


class _Convolutions(TorchFunctionMode):
    """Notes the number format in which each convolution computes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.dtype] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        if func is torch.conv2d:
            self.seen.append(found.dtype)
        return found


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.Conv2d(8, 8, 5, stride=2, groups=8),
        nn.Conv2d(8, 8, 3, groups=2),
        nn.Conv2d(8, 1, 1),
    )


def ancestors(node):
    """The nodes of the graph before a node, the nearest first."""
    nodes = [node]
    for each in nodes:
        nodes += [before for before, _ in each.next_functions if before is not None]
    return nodes


def test_an_unknown_precision_is_named() -> None:
    with pytest.raises(UnknownNameError, match="half"):
        autocast(CPU, "half")


def test_float32_is_left_alone() -> None:
    seen = _Convolutions()
    with seen, autocast(CPU, "float32"):
        network()(torch.rand(1, 3, 16, 16))
    assert seen.seen == [torch.float32] * 4


def test_depthwise_convolutions_compute_in_float32_for_their_gradient() -> None:
    model = network()
    inner = []
    model[1].register_forward_hook(lambda _m, _i, out: inner.append(out))
    seen = _Convolutions()
    with seen, autocast(CPU, "bfloat16"):
        found = model(torch.rand(1, 3, 16, 16))
    assert inner[0].dtype == found.dtype == torch.bfloat16
    [convolution] = [node for node in ancestors(inner[0].grad_fn) if node.name() == "ConvolutionBackward0"][
        :1
    ]
    assert convolution._saved_input.dtype == convolution._saved_weight.dtype == torch.float32


def test_without_a_gradient_all_is_bfloat16() -> None:
    model = network()
    seen = _Convolutions()
    with torch.no_grad(), seen, autocast(CPU, "bfloat16"):
        model(torch.rand(1, 3, 16, 16))
    assert seen.seen == [torch.bfloat16] * 4


def test_gradients_are_bfloat16s_of_the_plain_network() -> None:
    images = torch.rand(2, 3, 24, 24)
    grads = []
    for precision in ("float32", "bfloat16"):
        model = network()
        with autocast(CPU, precision):
            loss = model(images).float().square().sum()
        loss.backward()
        grads.append([each.grad for each in model.parameters()])
    for exact, low in zip(*grads, strict=True):
        torch.testing.assert_close(low, exact, rtol=0.05, atol=0.05 * float(exact.abs().max()))
