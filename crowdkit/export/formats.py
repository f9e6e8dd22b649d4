"""Files that run a network without its code: writing them, and running them as their readers do."""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from crowdkit.errors import MissingDependencyError

if TYPE_CHECKING:
    from torch.export import ExportedProgram

IMAGES, DENSITY = "images", "density"
METADATA_FILE = "crowdkit.json"  # in an exported program; ONNX has its own metadata

Runner = Callable[[Tensor], Tensor]


def onnx_packages() -> tuple[Any, Any]:
    """Import the packages that write and run ONNX.

    Returns:
        The modules ``onnx`` and ``onnxruntime``.

    Raises:
        MissingDependencyError: If one of them, or onnxscript, which torch writes with, does not import.
    """
    try:
        import_module("onnxscript")
        return import_module("onnx"), import_module("onnxruntime")
    except ImportError as error:
        raise MissingDependencyError(
            f"onnx, onnxscript, onnxruntime: expected them to import, to write an ONNX file, got {error}; "
            "pip install 'crowdkit[export]'"
        ) from error


def write_onnx(program: "ExportedProgram", file: Path, metadata: dict[str, str]) -> None:
    """Write an ONNX file with one input and one output, and validate it.

    Args:
        program: The traced network.
        file: The file to write.
        metadata: Texts by name, for the metadata of the file.
    """
    onnx, _ = onnx_packages()
    names = {0: "batch", 2: "height", 3: "width"}
    made = torch.onnx.export(
        program,
        (),
        input_names=[IMAGES],
        output_names=[DENSITY],
        dynamic_shapes={IMAGES: names},
        dynamo=True,
        verbose=False,
    )
    if made is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    proto: Any = made.model_proto
    # Its sides are formulas in torch's notation, such as "((height + 3)//4)"; the metadata explains them in words.
    for side, name in zip(
        proto.graph.output[0].type.tensor_type.shape.dim[2:], ("rows", "columns"), strict=True
    ):
        if side.HasField("dim_param"):
            side.dim_param = name
    onnx.helper.set_model_props(proto, metadata)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, str(file))


def onnx_runner(file: Path) -> Runner:
    """Open an ONNX file in onnxruntime, on the CPU.

    Args:
        file: The file.

    Returns:
        A function from images to density maps.
    """
    _, onnxruntime = onnx_packages()
    options: Any = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised too
    session: Any = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def run(images: Tensor) -> Tensor:
        [density] = session.run([DENSITY], {IMAGES: images.numpy()})
        return torch.from_numpy(density)

    return run


def write_program(program: "ExportedProgram", file: Path, metadata: dict[str, str]) -> None:
    """Write an exported program of torch.

    Args:
        program: The traced network.
        file: The file to write.
        metadata: Texts by name, for an extra file inside.
    """
    torch.export.save(program, file, extra_files={METADATA_FILE: json.dumps(metadata, indent=2)})


def program_runner(file: Path) -> Runner:
    """Open an exported program.

    Args:
        file: The file.

    Returns:
        A function from images to density maps.
    """
    graph: Runner = torch.export.load(file).module()
    return graph
