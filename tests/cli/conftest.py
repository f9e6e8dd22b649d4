import pytest
import torch

from crowdkit.models import create_model

TINY = {
    "encoder": "test_efficientnet",
    "encoder_strides": [16, 8, 4],
    "levels": 3,
    "crr_widths": [8, 8, 8],
    "dle_widths": [8, 8, 8],
    "dme_widths": [8, 8, 8],
}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """These networks are so small that a second thread only waits."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A saved model of 0.1 M random parameters."""
    folder = tmp_path_factory.mktemp("model")
    create_model("cfanet_lite", **TINY).save(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_settings():
    """What ``--set`` takes for a training of a second."""
    options = ", ".join(f"{key} = {value!r}" for key, value in TINY.items())
    return [
        "data.dataset=synthetic",
        "data.options={length = 8, size = [64, 80], people = [1, 12]}",
        "data.crop=[48, 64]",
        "data.val_fraction=0.25",
        "model.name=cfanet_lite",
        f"model.options={{{options}}}",
        "optim.lr=1e-3",
        "run.batch_size=2",
        "run.epochs=1",
    ]
