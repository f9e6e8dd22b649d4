"""What every point-supervised loss promises, held against the cases in ``losses/``."""

import copy
import inspect
import math
import pickle

import pytest
import torch
from hypothesis import given, settings, strategies as st
from losses._case import crowds
from losses._collected import POINT_CASES

from crowdkit.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError

every = pytest.mark.parametrize("case", POINT_CASES, ids=str)


# ---- one maths -------------------------------------------------------------------------------------


@every
def test_function_equals_module_and_naive_formula(case):
    for keywords in ({}, *case.variants):
        stride = keywords.get("stride", 1)
        pred, points = crowds((5, 0, 1), case.size, torch.float64, stride=stride)
        values = case.function(pred, points=points, reduction="none", **keywords)
        assert values.shape == (3,)
        assert values.dtype == torch.float64
        for i in range(3):
            naive = case.naive(pred[i, 0].numpy(), points[i].numpy(), **keywords)
            assert values[i].item() == pytest.approx(naive, rel=case.tolerance, abs=1e-11), keywords
        for reduction, expected in (("none", values), ("mean", values.mean()), ("sum", values.sum())):
            module = case.module(reduction=reduction, **keywords)
            torch.testing.assert_close(module(pred, points=points), expected, rtol=1e-12, atol=0)
            torch.testing.assert_close(module(pred, pred, points=points), expected, rtol=1e-12, atol=0)


@every
def test_signatures_are_one(case):
    of_function = dict(inspect.signature(case.function).parameters)
    of_call = dict(inspect.signature(case.module.forward).parameters)
    of_module = dict(inspect.signature(case.module).parameters)
    assert list(of_function)[:3] == list(of_call)[1:4] == ["pred", "target", "points"]
    assert of_function["target"].default is of_call["target"].default is None
    assert list(of_call)[4:] == list(case.call_time)
    keywords = list(of_function.values())[2:]
    of_call = list(of_call.values())[3:]
    assert all(each.kind is each.KEYWORD_ONLY for each in (*keywords, *of_call, *of_module.values()))
    kept = {each.name: each.default for each in keywords if each.name not in ("points", *case.call_time)}
    assert list(kept.items()) == [(each.name, each.default) for each in of_module.values()]
    assert kept["stride"] == 1
    assert case.module.needs_points is True


@every
def test_literal(case):
    pred, heads, keywords, expected = case.literal
    value = case.function(torch.tensor(pred)[None, None], points=[torch.tensor(heads)], **keywords)
    assert value.item() == pytest.approx(expected, rel=1e-5)


# ---- gradients -------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in POINT_CASES if case.differentiable], ids=str)
def test_gradcheck(case):
    for keywords in ({}, *case.variants):
        stride = keywords.get("stride", 1)
        pred, points = crowds((4, 0, 1), (5, 6), torch.float64, stride=stride)
        loss = case.module(reduction="none", **keywords)
        assert torch.autograd.gradcheck(
            lambda pred, loss=loss, points=points: loss(pred, points=points), (pred.requires_grad_(),)
        )


@every
def test_no_gradient_flows_to_the_heads(case):
    pred, points = crowds((3,), case.size)
    case.module()(pred.requires_grad_(), points=[points[0].requires_grad_()]).backward()
    assert points[0].grad is None
    assert pred.grad.any()


@every
def test_batch_independence(case):
    loss = case.module(reduction="none")

    @settings(max_examples=12, deadline=None)
    @given(
        numbers=st.lists(st.integers(0, 6), min_size=2, max_size=4),
        height=st.integers(1, 9),
        width=st.integers(1, 9),
        seed=st.integers(0, 99),
        which=st.integers(0, 3),
    )
    def check(numbers, height, width, seed, which):
        pred, points = crowds(tuple(numbers), (height, width), torch.float64, seed)
        which %= len(numbers)
        alone = loss(pred[which : which + 1], points=points[which : which + 1])
        together = loss(pred, points=points)[which : which + 1]
        torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-12)

    check()


@every
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 2), (5, 3), (23, 46), (47, 1)], ids=str)
@pytest.mark.parametrize("stride", [1, 8])
def test_any_size_and_stride(case, size, stride):
    pred, points = crowds((3, 1), size, stride=stride)
    pred.requires_grad_()
    value = case.module(stride=stride)(pred, points=points)
    value.backward()
    assert value.isfinite()
    assert pred.grad.isfinite().all()


@every
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-9, 1.0, 1e4])
@pytest.mark.parametrize("numbers", [(0, 0), (0, 3), (40, 1)], ids=str)
def test_empty_and_extreme_maps_stay_finite(case, scale, numbers):
    pred, points = crowds(numbers, (6, 5))
    pred = (pred * scale).requires_grad_()
    value = case.module()(pred, points=points)
    value.backward()
    assert value.isfinite()
    assert pred.grad.isfinite().all()


@every
def test_heads_on_centers_borders_and_outside_stay_finite(case):
    pred = torch.rand(1, 1, 4, 5, requires_grad=True)
    heads = torch.tensor([[4.0, 4.0], [4.0, 4.0], [0.0, 0.0], [39.9, 31.9], [-9.0, 4.0], [1e4, 1e4]])
    value = case.module()(pred, points=[heads])
    value.backward()
    assert value.isfinite()
    assert pred.grad.isfinite().all()


@every
def test_an_image_with_nobody_teaches_to_count_nobody(case):
    pred = torch.full((1, 1, 4, 5), 0.1, requires_grad=True)
    case.module()(pred, points=[torch.zeros(0, 2)]).backward()
    assert (pred.grad > 0).all()


# ---- precision -------------------------------------------------------------------------------------


@every
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("autocast", [True, False])
def test_half_precision(case, half, autocast):
    loss = case.module()
    pred, points = crowds((50, 0), (12, 16))
    expected = loss(pred, points=points)
    with torch.autocast("cpu", dtype=half, enabled=autocast):
        value = loss(pred, points=points)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected, rtol=1e-6, atol=0)
    pred = pred.to(half)
    expected = loss(pred.float(), points=points)
    pred.requires_grad_()
    with torch.autocast("cpu", dtype=half, enabled=autocast):
        value = loss(pred, points=points)
        value.backward()
    assert value.dtype == torch.float32
    assert pred.grad.dtype == half
    assert pred.grad.isfinite().all()
    torch.testing.assert_close(value, expected, rtol=1e-6, atol=0)


@every
def test_heads_may_differ_in_type(case):
    pred, points = crowds((3, 2), case.size, torch.float64)
    mixed = [points[0].float(), points[1]]
    assert case.module()(pred, points=mixed).dtype == torch.float64
    assert case.module()(pred.float(), points=mixed).dtype == torch.float32


# ---- compilers -------------------------------------------------------------------------------------


@every
def test_compiles_as_one_graph_for_any_number_of_heads(case):
    torch._dynamo.reset()
    loss = case.module()
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    for seed, numbers in enumerate([(5, 0), (4, 0), (9, 1)]):
        pred, points = crowds(numbers, (5, 6), seed=seed)
        a, b = pred.clone().requires_grad_(), pred.clone().requires_grad_()
        plain, fast = loss(a, points=points), compiled(b, points=points)
        plain.backward()
        fast.backward()
        torch.testing.assert_close(fast, plain)
        torch.testing.assert_close(b.grad, a.grad)


@every
def test_exports_for_fixed_numbers_of_heads(case):
    loss = case.module()
    pred, points = crowds((5, 0, 1), (5, 6))
    program = torch.export.export(loss, (pred,), {"points": points})
    other, others = crowds((5, 0, 1), (5, 6), seed=1)
    torch.testing.assert_close(program.module()(other, points=others), loss(other, points=others))


@every
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_not_hidden(case, value):
    loss = case.module(reduction="none")
    pred, points = crowds((5, 3, 0), case.size)
    for image in (0, 2):
        spoilt = pred.clone()
        spoilt[image, 0, 2, 3] = value
        finite = loss(spoilt, points=points).isfinite()
        assert finite.tolist() == [each != image for each in range(3)]
    heads = points[1].clone()
    heads[2, 1] = value
    with pytest.raises(ArgumentError, match=r"points\[1\]: expected finite coordinates, got 1 of 3 with NaN"):
        loss(pred, points=[points[0], heads, points[2]])


# ---- manners ---------------------------------------------------------------------------------------


@every
def test_inputs_stay_as_they_were(case):
    pred, points = crowds((5, 0), case.size)
    before = pred.clone(), [heads.clone() for heads in points]
    case.module()(pred, points=points)
    assert torch.equal(pred, before[0])
    assert all(torch.equal(*pair) for pair in zip(points, before[1], strict=True))


@every
def test_memory_layout_makes_no_difference(case):
    pred, points = crowds((5, 2), case.size)
    turned = pred.transpose(-1, -2).contiguous().transpose(-1, -2)
    columns = tuple(heads.T.contiguous().T for heads in points)
    loss = case.module()
    torch.testing.assert_close(loss(turned, points=columns), loss(pred, points=points))


@every
def test_copies_and_pickles(case):
    pred, points = crowds((5, 2), case.size)
    loss = case.module(reduction="sum")
    assert not loss.state_dict()
    for again in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert torch.equal(again(pred, points=points), loss(pred, points=points))
    assert "reduction='sum'" in repr(loss)


@every
def test_bad_input_is_answered_in_words(case):
    pred, points = crowds((5, 2), case.size)
    loss = case.module()
    with pytest.raises(UnknownNameError, match="did you mean 'mean'"):
        case.module(reduction="maen")
    with pytest.raises(UnknownNameError, match="did you mean 'none'"):
        case.function(pred, points=points, reduction="non")
    with pytest.raises(ShapeError, match=r"pred: expected .*got \(2, 6, 7\)"):
        loss(torch.zeros(2, 6, 7), points=points)
    with pytest.raises(DTypeError, match=r"pred: expected .*got torch\.int32"):
        loss(pred.int(), points=points)
    with pytest.raises(DTypeError, match="points: expected a list of tensors, one an image, got Tensor"):
        loss(pred, points=points[0])
    with pytest.raises(ShapeError, match="points: expected one tensor an image, 2, got 1"):
        loss(pred, points=points[:1])
    with pytest.raises(ShapeError, match=r"points\[1\]: expected \(N, 2\) rows of \(x, y\), got \(2,\)"):
        loss(pred, points=[points[0], points[1][0]])
    with pytest.raises(DTypeError, match=r"points\[0\]: expected floating-point .*add 0\.5"):
        loss(pred, points=[points[0].long(), points[1]])
    with pytest.raises(DTypeError, match=r"points\[1\]: expected a tensor, got list"):
        loss(pred, points=[points[0], [[1.0, 2.0]]])
    with pytest.raises(ArgumentError, match=r"points\[1\]: expected device cpu, got meta; move it"):
        loss(pred, points=[points[0], points[1].to("meta")])
    for stride in (0, 1.5, True):
        with pytest.raises(ArgumentError, match="stride: expected a whole number >= 1"):
            case.module(stride=stride)
        with pytest.raises(ArgumentError, match="stride: expected a whole number >= 1"):
            case.function(pred, points=points, stride=stride)
    with pytest.raises(TypeError):
        case.module(reducton="mean")


@every
@pytest.mark.parametrize("shape", [(0, 1, 6, 7), (2, 1, 0, 7)], ids=str)
def test_nothing_at_all_is_refused(case, shape):
    with pytest.raises(ShapeError, match="at least one image and one cell"):
        case.module()(torch.zeros(shape), points=[torch.zeros(0, 2)] * shape[0])
