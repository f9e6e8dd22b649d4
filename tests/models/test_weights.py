import json
from dataclasses import replace
from hashlib import sha256

import pytest
import torch
from safetensors.torch import load_file, save_file

from crowdkit.errors import ArgumentError, DataError, UnknownNameError
from crowdkit.models import WeightsCard, create_model, list_weights, weights, weights_card

TINY = {
    "encoder": "test_efficientnet",
    "encoder_strides": [16, 8, 4],
    "levels": 3,
    "crr_widths": [8, 8, 8],
    "dle_widths": [8, 8, 8],
    "dme_widths": [8, 8, 8],
}


def describe(folder, name, model="cfanet_lite", options=None):
    content = (folder / f"{name}.safetensors").read_bytes()
    return WeightsCard(
        name=name,
        model=model,
        options=TINY if options is None else options,
        file=f"{name}.safetensors",
        sha256=sha256(content).hexdigest(),
        bytes=len(content),
        encoder="test_efficientnet, started from random weights",
        seed=0,
        data=[],
        recipe={},
        versions={},
        validation=[],
        folder=folder,
    )


@pytest.fixture
def trained():
    """A model whose BatchNorm has seen something."""
    torch.manual_seed(0)
    model = create_model("cfanet_lite", **TINY)
    model(torch.rand(2, 3, 64, 64))
    return model.eval()


@pytest.fixture
def bundled(tmp_path, trained, monkeypatch):
    """A folder of bundles, instead of the package's own."""
    monkeypatch.setattr(weights, "BUNDLED", tmp_path)
    state = {key: value.half() if value.ndim > 1 else value for key, value in trained.state_dict().items()}
    save_file(state, tmp_path / "crowds.safetensors")
    describe(tmp_path, "crowds").write(tmp_path)
    return tmp_path


def test_weights_come_by_name_with_their_keywords(bundled, trained):
    model = create_model("cfanet_lite", weights="crowds")
    assert not model.training
    assert {each.dtype for each in model.state_dict().values()} == {torch.float32, torch.int64}
    for key, value in trained.state_dict().items():
        if "running" in key or "num_batches" in key:
            assert torch.equal(model.state_dict()[key], value), key
    image = torch.rand(1, 3, 70, 90)
    torch.testing.assert_close(model(image).density, trained(image).density, rtol=0.02, atol=1e-6)
    # With BatchNorm's own start instead of what it has seen, the features would be others.
    features = trained.encoder(image)[0]
    torch.testing.assert_close(
        model.encoder(image)[0], features, rtol=0.02, atol=0.02 * features.std().item()
    )
    model.load_state_dict(
        {k: v for k, v in create_model("cfanet_lite", **TINY).state_dict().items() if "running" in k},
        strict=False,
    )
    assert (model.encoder(image)[0] - features).abs().mean() > 0.1 * features.abs().mean()


def test_they_are_listed_and_described(bundled):
    assert list_weights() == list_weights("cfanet_lite") == list_weights("cfanet*") == ["crowds"]
    assert list_weights("mcnn") == []
    card = weights_card("crowds")
    assert (card.model, card.bytes) == ("cfanet_lite", (bundled / "crowds.safetensors").stat().st_size)
    assert card == describe(bundled, "crowds")


def test_a_card_of_ones_own_is_named_by_its_path(bundled, tmp_path_factory, trained):
    mine = tmp_path_factory.mktemp("mine")
    save_file(trained.state_dict(), mine / "mine.safetensors")
    path = describe(mine, "mine").write(mine)
    model = create_model("cfanet_lite", weights=path)
    image = torch.rand(1, 3, 40, 40)
    assert torch.equal(model(image).density, trained(image).density)


def test_nothing_is_bundled_where_the_folder_is_empty(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "BUNDLED", tmp_path / "none")
    assert list_weights() == []
    with pytest.raises(UnknownNameError, match=r"weights: expected one of \(none\), got 'shanghaitech'"):
        create_model("cfanet_lite", weights="shanghaitech")


def test_an_unknown_name_comes_with_the_nearest(bundled):
    with pytest.raises(UnknownNameError, match="did you mean 'crowds'"):
        create_model("cfanet_lite", weights="crowd")


def test_weights_of_another_model_are_told(bundled):
    with pytest.raises(
        ArgumentError, match=r"weights of mcnn \(none\), got 'crowds', which are weights of cfanet_lite"
    ):
        create_model("mcnn", weights="crowds")


def test_keywords_must_be_those_of_the_training(bundled):
    assert create_model("cfanet_lite", weights="crowds", levels=3, crr_widths=(8, 8, 8)).config["levels"] == 3
    with pytest.raises(
        ArgumentError, match=r"levels: expected 3, as the weights 'crowds' .* got 4; leave it out"
    ):
        create_model("cfanet_lite", weights="crowds", levels=4)
    with pytest.raises(UnknownNameError, match="did you mean 'levels'"):
        create_model("cfanet_lite", weights="crowds", level=4)


def test_another_file_is_told_by_its_hash(bundled):
    path = bundled / "crowds.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match=r"with SHA-256 \w{12}\.\.\. and \d+ bytes, .* the file is damaged"):
        create_model("cfanet_lite", weights="crowds")
    path.unlink()
    with pytest.raises(DataError, match="got no such file"):
        create_model("cfanet_lite", weights="crowds")


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95broken pickle", b"PK\x03\x04"])
def test_a_file_of_another_kind_is_never_run(bundled, content):
    (bundled / "crowds.safetensors").write_bytes(content)
    describe(bundled, "crowds").write(bundled)
    with pytest.raises(DataError, match=r"expected a safetensors file in .*crowds\.safetensors"):
        create_model("cfanet_lite", weights="crowds")


def test_what_does_not_fit_is_listed(bundled):
    path = bundled / "crowds.safetensors"
    state = load_file(path)
    bias = state.pop("dme.final.bias")
    state["dme.last.bias"] = bias
    state["dme.final.weight"] = torch.zeros(2, 8, 1, 1)
    save_file(state, path)
    describe(bundled, "crowds").write(bundled)
    with pytest.raises(DataError, match="expected the weights 'crowds' of CFANet") as told:
        create_model("cfanet_lite", weights="crowds")
    for part in (
        "1 missing: dme.final.bias",
        "1 unexpected: dme.last.bias",
        "1 of another shape: dme.final.weight (expected (1, 8, 1, 1), got (2, 8, 1, 1))",
    ):
        assert part in str(told.value)


def test_a_card_that_says_too_little_or_too_much_is_told(bundled):
    path = bundled / "crowds.json"
    card = json.loads(path.read_text())
    for broken, message in (
        ("{", "expected JSON"),
        ("[]", "expected a table"),
        (json.dumps({k: v for k, v in card.items() if k != "sha256"}), "sha256 missing and nothing unknown"),
        (json.dumps({**card, "shasum": "1"}), "nothing missing and shasum unknown"),
        (json.dumps({**card, "options": []}), "options in .* to be a dict, got"),
        (json.dumps({**card, "name": "others"}), "the card of 'crowds'"),
        (json.dumps({**card, "file": "../crowds.safetensors"}), "a file beside it"),
        (json.dumps({**card, "options": {"levls": 3}}), "did you mean 'levels'"),
        (json.dumps({**card, "model": "cfanat"}), "weights of cfanat"),
    ):
        path.write_text(broken)
        with pytest.raises((DataError, UnknownNameError, ArgumentError), match=message):
            create_model("cfanet_lite", weights="crowds")


def test_a_training_may_start_from_them(bundled, tmp_path):
    # A run's configuration hands the keyword on; what is saved then is a model like any other.
    model = create_model("cfanet_lite", weights="crowds")
    model.save(tmp_path / "saved")
    assert "weights" not in json.loads((tmp_path / "saved/config.json").read_text())["config"]


def test_the_card_is_written_without_its_folder(bundled):
    card = replace(weights_card("crowds"), notes="a note")
    values = json.loads(card.write(bundled).read_text())
    assert "folder" not in values
    assert values["notes"] == "a note"


@pytest.mark.parametrize("name", list_weights())
def test_the_bundled_weights_load_and_count(name):
    card = weights_card(name)
    assert card.bytes <= 8_388_608
    model = create_model(card.model, weights=name)
    with torch.no_grad():
        assert torch.isfinite(model(torch.rand(1, 3, 100, 140)).count).all()
