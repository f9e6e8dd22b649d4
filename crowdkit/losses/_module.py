"""What every loss module is: its settings, and the function that takes them."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from inspect import Parameter, Signature, signature
from typing import Any, ClassVar, dataclass_transform

from torch import Tensor, nn

from crowdkit.losses._settings import check_settings


@dataclass_transform(kw_only_default=True, eq_default=False)
class LossModule(nn.Module):
    """Parent of the loss modules: a subclass names its ``function`` and lists that function's settings.

    The annotated attributes become keyword-only arguments of the constructor. ``forward`` takes what is left
    of the function's parameters.

    Attributes:
        function: The loss as a function, decorated with ``checked``.
        name: The name under which :func:`crowdkit.losses.create_loss` makes it: the function's, without
            ``_loss``, unless the subclass has another.
        needs_points: Whether the loss learns from points: ``forward`` then takes ``points=``.
        needs_progress: Whether the loss changes during training: ``forward`` then takes ``progress=``.
        settings: The names of the settings.
    """

    function: ClassVar[Callable[..., Tensor]]
    name: ClassVar[str]
    needs_points: ClassVar[bool]
    needs_progress: ClassVar[bool]
    settings: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls) -> None:
        """Turn the annotated attributes into settings, and the function's other parameters into forward's."""
        super().__init_subclass__()
        dataclass(kw_only=True, eq=False, repr=False)(cls)
        parameters = signature(cls.function).parameters
        cls.settings = tuple(field.name for field in fields(cls))  # type: ignore[arg-type]
        cls.needs_points = "points" in parameters
        cls.needs_progress = "progress" in parameters
        if not hasattr(cls, "name"):
            cls.name = cls.function.__name__.removesuffix("_loss")
        if "function" in vars(cls):
            inputs = [each for name, each in parameters.items() if name not in cls.settings]
            cls.forward = _forward(cls.function.__name__, inputs)

    def __post_init__(self) -> None:
        """Check the settings; lists, as configurations have them, become tuples."""
        super().__init__()
        for name in self.settings:
            if isinstance(value := getattr(self, name), list):
                setattr(self, name, tuple(value))
        check_settings(self.function, self._settings())

    def extra_repr(self) -> str:
        """Name the settings in ``repr``."""
        return ", ".join(f"{name}={value!r}" for name, value in self._settings().items())

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.settings}


def _forward(function: str, parameters: list[Parameter]) -> Callable[..., Tensor]:
    def forward(self: LossModule, *inputs: Any, **more: Any) -> Tensor:
        return self.function(*inputs, **more, **self._settings())

    forward.__doc__ = f"Compute the loss; see :func:`{function}`."
    own = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    vars(forward)["__signature__"] = Signature([own, *parameters], return_annotation=Tensor)
    return forward
