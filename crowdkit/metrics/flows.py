"""Metrics of who comes and who goes, where the identities of people are known."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.metrics._mean import MeanOverImages

Flows = Tensor | Sequence[Tensor]


def miae(pred: Flows, target: Flows) -> Tensor:
    r"""Mean Inflow Absolute Error: of the number of people who come into view from one frame to the next.

    .. math:: MIAE = \frac{1}{T - 1} \sum_{i=1}^{T-1} |\hat n^{in}_i - n^{in}_i|

    where :math:`n^{in}_i` people are in frame :math:`i + 1` and not in frame :math:`i`.

    Args:
        pred: Estimated inflow, shape :math:`(T - 1,)`, or the identities in each frame, a list of :math:`T`
            tensors of whole numbers.
        target: True inflow or identities.

    Returns:
        A float64 scalar; NaN for fewer than two frames.

    Raises:
        ShapeError: If there is neither a series nor a list, or the numbers of frames differ.
        DTypeError: If identities are not whole numbers.
        ArgumentError: If somebody is twice in a frame.

    References:
        Han et al. *DR.VIC: Decomposition and Reasoning for Video Individual Counting*. CVPR 2022.

    Examples:
        >>> import torch
        >>> people = [torch.tensor([1, 2, 3]), torch.tensor([2, 3, 4]), torch.tensor([4, 5, 6])]
        >>> miae(torch.tensor([1.0, 2.5]), people)
        tensor(0.2500, dtype=torch.float64)
    """
    return _flow_errors(pred, target, into=True).mean()


class MIAE(MeanOverImages):
    """Mean Inflow Absolute Error over the pairs of frames of several clips; see :func:`miae`.

    Args:
        options: What :class:`torchmetrics.Metric` itself takes.

    Examples:
        >>> import torch
        >>> metric = MIAE()
        >>> metric.update(torch.tensor([1.0, 2.5]), torch.tensor([1.0, 2.0]))
        >>> metric.compute()
        tensor(0.2500, dtype=torch.float64)
    """

    def update(self, pred: Flows, target: Flows) -> None:
        """Take in a clip: inflow :math:`(T - 1,)` or a list of :math:`T` tensors of identities."""
        self.add(_flow_errors(pred, target, into=True))


def moae(pred: Flows, target: Flows) -> Tensor:
    r"""Mean Outflow Absolute Error: of the number of people who leave the view from one frame to the next.

    .. math:: MOAE = \frac{1}{T - 1} \sum_{i=1}^{T-1} |\hat n^{out}_i - n^{out}_i|

    where :math:`n^{out}_i` people are in frame :math:`i` and not in frame :math:`i + 1`.

    Args:
        pred: Estimated outflow, shape :math:`(T - 1,)`, or the identities in each frame, a list of :math:`T`
            tensors of whole numbers.
        target: True outflow or identities.

    Returns:
        A float64 scalar; NaN for fewer than two frames.

    Raises:
        ShapeError: If there is neither a series nor a list, or the numbers of frames differ.
        DTypeError: If identities are not whole numbers.
        ArgumentError: If somebody is twice in a frame.

    References:
        Han et al. *DR.VIC: Decomposition and Reasoning for Video Individual Counting*. CVPR 2022.

    Examples:
        >>> import torch
        >>> people = [torch.tensor([1, 2, 3]), torch.tensor([2, 3, 4]), torch.tensor([4, 5, 6])]
        >>> moae(torch.tensor([1.0, 1.0]), people)
        tensor(0.5000, dtype=torch.float64)
    """
    return _flow_errors(pred, target, into=False).mean()


class MOAE(MeanOverImages):
    """Mean Outflow Absolute Error over the pairs of frames of several clips; see :func:`moae`.

    Args:
        options: What :class:`torchmetrics.Metric` itself takes.

    Examples:
        >>> import torch
        >>> metric = MOAE()
        >>> metric.update(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 2.0]))
        >>> metric.compute()
        tensor(0.5000, dtype=torch.float64)
    """

    def update(self, pred: Flows, target: Flows) -> None:
        """Take in a clip: outflow :math:`(T - 1,)` or a list of :math:`T` tensors of identities."""
        self.add(_flow_errors(pred, target, into=False))


def _flow_errors(pred: Flows, target: Flows, *, into: bool) -> Tensor:
    estimate, truth = (_flow(name, flow, into=into) for name, flow in (("pred", pred), ("target", target)))
    if estimate.shape != truth.shape:
        raise ShapeError(
            f"target: expected {len(estimate)} pairs of frames as in pred, got {len(truth)}; a clip of T frames has "
            "T - 1 pairs"
        )
    return (estimate - truth.to(estimate.device)).abs()


def _flow(name: str, flow: Flows, *, into: bool) -> Tensor:
    if isinstance(flow, Tensor):
        if flow.ndim != 1:
            raise ShapeError(
                f"{name}: expected a flow (T - 1,) or a list of identities, got {tuple(flow.shape)}; count the people "
                "who come or leave from one frame to the next"
            )
        return flow.detach().double()
    frames = [_identities(name, each) for each in flow]
    pairs = pairwise(frames)
    return torch.tensor(
        [float(len(after - before if into else before - after)) for before, after in pairs],
        dtype=torch.float64,
    )


def _identities(name: str, people: Tensor) -> set[int]:
    if not isinstance(people, Tensor) or people.ndim != 1:
        raise ShapeError(f"{name}: expected a list of tensors (N,) of identities, got another form")
    if people.is_floating_point() or people.is_complex() or people.dtype == torch.bool:
        raise DTypeError(f"{name}: expected identities as whole numbers, got {people.dtype}")
    found = set(people.tolist())
    if len(found) != len(people):
        raise ArgumentError(
            f"{name}: expected everybody once in a frame, got somebody twice; number people apart"
        )
    return found
