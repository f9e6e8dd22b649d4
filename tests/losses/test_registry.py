import inspect

import pytest
from torch import nn

from crowdkit import losses
from crowdkit.errors import UnknownNameError
from crowdkit.losses import create_loss, list_losses

# Losses of other things than density maps, or of whole predictions.
NOT_BY_NAME = {
    "CFANetLoss",
    "LevelCrossEntropy",
    "LossModule",
    "RegionCrossEntropy",
    "WeightedSum",
    "ZeroInflatedPoissonLoss",
}


def test_every_density_loss_has_a_name():
    made = {type(create_loss(name)) for name in list_losses()}
    public = {getattr(losses, name) for name in set(losses.__all__) - NOT_BY_NAME}
    assert made == {each for each in public if inspect.isclass(each) and issubclass(each, nn.Module)}


def test_keywords_are_the_module_s_own():
    assert create_loss("bsl", expansion=7.0, stride=4).expansion == 7.0
    with pytest.raises(UnknownNameError, match=r"keyword of bsl.*did you mean 'expansion'"):
        create_loss("bsl", expansio=7.0)
    with pytest.raises(UnknownNameError, match=r"loss.*did you mean 'bsl'"):
        create_loss("bls")


def test_names_by_pattern():
    assert list_losses("ssim*") == ["ssim_pyramid"]
    assert list_losses() == sorted(list_losses())
