"""What every network's shape is held to."""

import pytest

from tradsys.core.errors import ConfigError
from tradsys.models.networks.resnet import DilatedResNet
from tradsys.models.networks.transformer import BandedTransformer


@pytest.mark.parametrize("shape", [DilatedResNet, BandedTransformer])
@pytest.mark.parametrize("name", ["n_features", "d_model", "n_layers", "expansion", "n_outputs"])
def test_a_count_of_zero_is_refused_by_name(shape, name):
    with pytest.raises(ConfigError, match=f"{name} counts and must be a whole number of at least 1, was 0"):
        shape(**{"n_features": 3, name: 0})
