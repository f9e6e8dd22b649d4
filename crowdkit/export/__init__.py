"""Export networks to other runtimes: ONNX and exported programs of torch."""

from crowdkit import _guard as _guard
from crowdkit.export._export import Exported, export_model
from crowdkit.export.comparison import ExportError
from crowdkit.export.formats import Runner as Runner, onnx_packages as onnx_packages

__all__ = ["ExportError", "Exported", "export_model"]
