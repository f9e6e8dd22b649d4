"""What every loss promises, held against the cases in ``losses/``."""

import copy
import inspect
import math
import pickle
import shutil
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings, strategies as st
from losses._case import maps
from losses._collected import CASES, POINT_CASES
from torch import Tensor
from torch.nn import functional as F

from crowdkit import losses
from crowdkit.errors import DTypeError, ShapeError, UnknownNameError
from crowdkit.losses import BSL, SSIMPyramidLoss
from crowdkit.ops import sum_pool

# The parent of all, two that CFANetLoss hands out, and two that give names.
TYPES = {"LossModule", "LossParts", "LossWeights", "create_loss", "list_losses"}
# One takes four maps: its promises are held in tests/losses/test_zero_inflated_poisson.py.
OWN_TEST = {"ZeroInflatedPoissonLoss", "zero_inflated_poisson_loss"}
WITH_FUNCTION = [case for case in CASES if case.function is not None]

every = pytest.mark.parametrize("case", CASES, ids=str)
every_function = pytest.mark.parametrize("case", WITH_FUNCTION, ids=str)


def test_every_public_name_has_a_row():
    with_function = [*WITH_FUNCTION, *POINT_CASES]
    rows = {str(case) for case in (*CASES, *POINT_CASES)} | {case.function.__name__ for case in with_function}
    assert rows | TYPES | OWN_TEST == set(losses.__all__)


# ---- one maths -------------------------------------------------------------------------------------


@every_function
def test_function_equals_module_and_naive_formula(case):
    pred, target = case.inputs(2, case.size, torch.float64)
    for keywords in ({}, *case.variants):
        values = case.function(pred, target, reduction="none", **keywords)
        assert values.shape == (2,)
        assert values.dtype == torch.float64
        for i in range(2):
            x = pred[i].squeeze(0).numpy()
            naive = case.naive(x, target[i, 0].numpy(), **keywords)
            assert values[i].item() == pytest.approx(naive, rel=1e-9, abs=1e-11), keywords
        for reduction, expected in (("none", values), ("mean", values.mean()), ("sum", values.sum())):
            module = case.module(reduction=reduction, **keywords)
            torch.testing.assert_close(module(pred, target), expected, rtol=1e-12, atol=0)


@every_function
def test_signatures_are_one(case):
    of_function = dict(inspect.signature(case.function).parameters)
    of_call = dict(inspect.signature(case.module.forward).parameters)
    of_module = dict(inspect.signature(case.module).parameters)
    assert list(of_function)[:2] == list(of_call)[1:3]
    assert list(of_call)[3:] == list(case.call_time)
    keywords = list(of_function.values())[2:]
    assert all(each.kind is each.KEYWORD_ONLY for each in (*keywords, *of_module.values()))
    kept = {each.name: each.default for each in keywords if each.name not in case.call_time}
    assert list(kept.items()) == [(each.name, each.default) for each in of_module.values()]


def test_bsl_has_the_signature_of_the_design():
    defaults = {name: each.default for name, each in inspect.signature(BSL).parameters.items()}
    assert list(defaults.items()) == [
        ("scales", 3),
        ("window_size", 11),
        ("window_sigma", 1.5),
        ("c1", 0.01**2),
        ("c2", 0.03**2),
        ("expansion", 50.0),
        ("threshold", 1e-5),
        ("background_weight", 1.0),
        ("padding", "valid"),
        ("stride", 1),
        ("reduction", "mean"),
    ]


@every_function
def test_literal(case):
    pred, target, keywords, expected = case.literal
    pred, target = torch.tensor(pred), torch.tensor(target)
    pred = pred[None] if pred.ndim == 3 else pred[None, None]
    assert case.function(pred, target[None, None], **keywords).item() == pytest.approx(expected, rel=1e-6)


# ---- gradients -------------------------------------------------------------------------------------


@every
def test_gradcheck(case):
    pred, target = case.inputs(2, (12, 13), torch.float64)
    pred.requires_grad_()
    for keywords in ({}, *case.variants[-1:]):
        assert torch.autograd.gradcheck(
            case.module(reduction="none", **keywords), (pred, target), fast_mode=True
        )


@every
def test_batch_independence(case):
    loss = case.module(reduction="none")

    @settings(max_examples=12, deadline=None)
    @given(
        batch=st.integers(2, 4),
        height=st.integers(1, 25),
        width=st.integers(1, 25),
        seed=st.integers(0, 99),
        which=st.integers(0, 3),
    )
    def check(batch, height, width, seed, which):
        pred, target = case.inputs(batch, (height, width), torch.float64, seed)
        which %= batch
        alone = loss(pred[which : which + 1], target[which : which + 1])
        torch.testing.assert_close(loss(pred, target)[which : which + 1], alone, rtol=1e-10, atol=1e-12)

    check()


@pytest.mark.parametrize("case", [case for case in CASES if case.density], ids=str)
@pytest.mark.parametrize("stride", [2, 4])
def test_stride_law(case, stride):
    pred, target = maps(2, (32, 40), torch.float64)
    at_stride = case.module(stride=stride)(sum_pool(pred, stride), sum_pool(target, stride))
    averaged = case.module()(F.avg_pool2d(pred, stride), F.avg_pool2d(target, stride))
    torch.testing.assert_close(at_stride, averaged, rtol=1e-10, atol=0)


@every
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 2), (5, 3), (11, 11), (23, 46), (47, 1)], ids=str)
def test_any_size(case, size):
    pred, target = case.inputs(1, size)
    pred.requires_grad_()
    value = case.module()(pred, target)
    value.backward()
    assert value.isfinite()
    assert pred.grad.isfinite().all()


@every
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-9, 1.0, 1e4])
@pytest.mark.parametrize("nobody", [True, False])
def test_empty_and_extreme_maps_stay_finite(case, scale, nobody):
    pred, target = case.inputs(2, (24, 25))
    pred = (pred * scale).requires_grad_()
    target = torch.zeros_like(target) if nobody else target
    value = case.module()(pred, target)
    value.backward()
    assert value.isfinite()
    assert pred.grad.isfinite().all()


@every
@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("nobody", [True, False], ids=["empty estimate", "estimate"])
def test_what_is_not_finite_is_not_hidden(case, value, nobody):
    loss = case.module(reduction="none")
    pred, target = case.inputs(2, (12, 13))
    if nobody:
        pred = torch.zeros_like(pred)
    for place in ((0, 0, 5, 2), (0, 0, 5, 9)):  # background, and crowd
        for spoilt in (0, 1):
            pair = [pred.clone(), target.clone()]
            if not pair[spoilt].is_floating_point():
                continue
            pair[spoilt][place] = value
            values = loss(*pair)
            assert not values[0].isfinite()
            assert values[1].isfinite()
    spoilt = pred.clone()
    spoilt[0] = -math.inf
    assert not loss(spoilt, target)[0].isfinite()


# ---- precision -------------------------------------------------------------------------------------


def ten_thousand_people(
    inputs: Callable[..., tuple[Tensor, Tensor]], dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    pred, target = inputs(1, (48, 64), torch.float32)
    if inputs is maps:
        pred, target = pred / pred.sum() * 10_000, target / target.sum() * 10_000
    return pred.to(dtype), target.to(dtype) if target.is_floating_point() else target


@every
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16], ids=str)
def test_autocast_computes_in_float32(case, half):
    loss = case.module()
    pred, target = ten_thousand_people(case.inputs, torch.float32)
    expected = loss(pred, target)
    with torch.autocast("cpu", dtype=half):
        value = loss(pred, target)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected, rtol=1e-6, atol=0)


@every
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("autocast", [True, False])
def test_half_precision_inputs(case, half, autocast):
    loss = case.module()
    pred, target = ten_thousand_people(case.inputs, half)
    expected = loss(pred.float(), target.float() if target.is_floating_point() else target)
    pred.requires_grad_()
    with torch.autocast("cpu", dtype=half, enabled=autocast):
        value = loss(pred, target)
    value.backward()
    assert value.dtype == torch.float32
    assert pred.grad.dtype == half
    assert pred.grad.isfinite().all()
    # our stand-in for a network computes in half precision itself; the others are compared exactly
    tolerance = 2e-2 if str(case) == "CFANetLoss" else 1e-6
    torch.testing.assert_close(value, expected, rtol=tolerance, atol=0)


@pytest.mark.parametrize("case", [case for case in CASES if case.density], ids=str)
def test_maps_may_differ_in_type(case):
    pred, target = maps(1, (16, 16), torch.float64)
    assert case.module()(pred.float(), target).dtype == torch.float64
    assert case.module()(pred.bfloat16(), target.float()).dtype == torch.float32


# ---- compilers -------------------------------------------------------------------------------------


@every
def test_compiles_as_one_graph(case):
    torch._dynamo.reset()
    loss = case.module()
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    pred, target = case.inputs(2, (24, 26))
    a, b = pred.clone().requires_grad_(), pred.clone().requires_grad_()
    plain, fast = loss(a, target), compiled(b, target)
    plain.backward()
    fast.backward()
    torch.testing.assert_close(fast, plain)
    torch.testing.assert_close(b.grad, a.grad)


@every
def test_exports(case):
    loss = case.module()
    pred, target = case.inputs(2, (24, 26))
    program = torch.export.export(loss, (pred, target))
    other = case.inputs(2, (24, 26), seed=1)
    torch.testing.assert_close(program.module()(*other), loss(*other))


@pytest.mark.skipif(
    torch.__version__.startswith("2.11."), reason="this export fixes the parity of a pooled side"
)
def test_exports_for_any_size():
    loss = BSL(scales=2)
    sizes = dict.fromkeys((0, 2, 3), torch.export.Dim.AUTO)
    program = torch.export.export(loss, maps(2, (24, 26)), dynamic_shapes=(sizes, sizes))
    other = maps(3, (31, 40))
    torch.testing.assert_close(program.module()(*other), loss(*other))


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("c++") or shutil.which("g++")), reason="no C++ compiler for Inductor")
def test_inductor_agrees():
    torch._dynamo.reset()
    loss = SSIMPyramidLoss(scales=1, window_size=3)
    pred, target = maps(1, (12, 13))
    a, b = pred.clone().requires_grad_(), pred.clone().requires_grad_()
    plain, fast = loss(a, target), torch.compile(loss, fullgraph=True)(b, target)
    plain.backward()
    fast.backward()
    torch.testing.assert_close(fast, plain)
    torch.testing.assert_close(b.grad, a.grad)


# ---- manners ---------------------------------------------------------------------------------------


@every
def test_inputs_stay_as_they_were(case):
    pred, target = case.inputs(1, (12, 13))
    before = pred.clone(), target.clone()
    case.module()(pred, target)
    assert torch.equal(pred, before[0])
    assert torch.equal(target, before[1])


@every
def test_memory_layout_makes_no_difference(case):
    pred, target = case.inputs(2, (20, 21))
    loss = case.module()
    turned = (each.transpose(-1, -2).contiguous().transpose(-1, -2) for each in (pred, target))
    torch.testing.assert_close(loss(*turned), loss(pred, target))


@every
def test_copies_and_pickles(case):
    pred, target = case.inputs(1, (12, 13))
    loss = case.module(reduction="sum")
    assert not loss.state_dict()
    for again in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert torch.equal(again(pred, target), loss(pred, target))
    assert "reduction='sum'" in repr(loss)


@every
def test_bad_input_is_answered_in_words(case):
    pred, target = case.inputs(2, (12, 13))
    loss = case.module()
    with pytest.raises(UnknownNameError, match="did you mean 'mean'"):
        case.module(reduction="maen")
    with pytest.raises(ShapeError, match=r"expected .*got \(2, 12, 13\)"):
        loss(pred[:, 0], target[:, 0])
    with pytest.raises(ShapeError, match=r"expected .* got \(2, 1, 12, 12\)"):
        loss(pred, target[..., :-1])
    with pytest.raises(DTypeError, match=r"expected .*got torch\.int"):
        loss(pred.int(), target)
    with pytest.raises(DTypeError, match=r"expected .*got torch\.int32"):
        loss(pred, target.int())
    with pytest.raises(TypeError):
        case.module(reducton="mean")


@every
@pytest.mark.parametrize("shape", [(0, 12, 13), (2, 0, 13)], ids=str)
def test_nothing_at_all_is_refused(case, shape):
    pred, target = case.inputs(1, (12, 13))
    batch, height, _ = shape
    with pytest.raises(ShapeError, match="at least one image and one cell"):
        case.module()(
            pred[:batch, :, :height].expand(batch, -1, -1, -1),
            target[:batch, :, :height].expand(batch, -1, -1, -1),
        )


@every_function
def test_bad_reduction_of_the_function(case):
    with pytest.raises(UnknownNameError, match="did you mean 'none'"):
        case.function(*case.inputs(1, (12, 13)), reduction="non")
