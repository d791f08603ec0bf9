import dataclasses
import math

import pytest
import torch
from torch import nn

from crl_learning.config import load_train_config
from crl_learning.network_config import NetworkConfig
from crl_learning.networks.convolutional import ImageEncoder, PaperEncoder
from crl_learning.networks.encoders import make_encoder
from crl_robot.errors import ConfigError, ContractError

SMALL = NetworkConfig((4, 6, 6), 16, (16, 16), 8)
RESNET = dataclasses.replace(SMALL, encoder="resnet", channels=(8, 12), depths=(1, 2), features=0)
KINDS = [
    SMALL,
    dataclasses.replace(SMALL, encoder="paper", features=0),
    dataclasses.replace(SMALL, encoder="atari"),
    dataclasses.replace(SMALL, encoder="impala"),
    RESNET,
]
SIZE = (40, 24)


def pictures(count: int = 3, channels: int = 3, size: tuple[int, int] = SIZE) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, size[1], size[0], channels), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("config", KINDS, ids=lambda config: config.encoder)
@pytest.mark.parametrize("coordinates", [False, True])
def test_images_that_are_not_square_become_vectors_of_the_told_width(config, coordinates):
    encoder = make_encoder(SIZE, 2, dataclasses.replace(config, coordinates=coordinates))
    assert encoder(pictures(channels=6)).shape == (3, encoder.width)


@pytest.mark.parametrize("config", KINDS, ids=lambda config: config.encoder)
def test_rows_and_columns_are_not_mixed_up(config):
    """One white pixel must reach the first convolution at its own row and column."""
    encoder = make_encoder(SIZE, 1, config)
    first = next(module for module in encoder.modules() if isinstance(module, nn.Conv2d))
    seen = []
    first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    image = torch.zeros(1, SIZE[1], SIZE[0], 3, dtype=torch.uint8)
    image[0, 3, 20, 1] = 255
    encoder(image)
    assert seen[0].shape == (1, 3, 24, 40)
    assert seen[0].contiguous().argmax() == (1 * 24 + 3) * 40 + 20


@pytest.mark.parametrize("config", KINDS, ids=lambda config: config.encoder)
def test_an_image_is_encoded_the_same_alone_and_among_others(config):
    encoder = make_encoder(SIZE, 1, config)
    assert torch.allclose(encoder(pictures())[1:2], encoder(pictures()[1:2]), atol=1e-4)


@pytest.mark.parametrize("config", KINDS, ids=lambda config: config.encoder)
def test_the_pictures_stay_as_they_are(config):
    images = pictures()
    make_encoder(SIZE, 1, config)(images)
    assert torch.equal(images, pictures())


@pytest.mark.parametrize("config", [KINDS[0], KINDS[1], KINDS[3]], ids=lambda config: config.encoder)
def test_where_something_is_changes_the_encoding(config):
    encoder = make_encoder(SIZE, 1, config)
    left, right = (torch.zeros(1, SIZE[1], SIZE[0], 3, dtype=torch.uint8) for _ in range(2))
    left[0, 8:12, 6:10], right[0, 8:12, 26:30] = 255, 255
    assert not torch.allclose(encoder(left), encoder(right), atol=1e-3)


def test_coordinates_bring_back_the_place_that_pooling_takes():
    """An average-pooled network makes nearly the same of something elsewhere; with coordinates it does not."""
    left, right = (torch.zeros(1, 64, 128, 3, dtype=torch.uint8) for _ in range(2))
    left[0, 24:40, 32:48], right[0, 24:40, 64:80] = 255, 255
    apart = []
    for on in (False, True):
        torch.manual_seed(0)
        encoder = make_encoder((128, 64), 1, dataclasses.replace(RESNET, depths=(1, 1), coordinates=on))
        with torch.no_grad():
            apart.append(float((encoder(left) - encoder(right)).norm()))
    assert apart[1] > 4 * apart[0]


def test_coordinates_run_from_minus_one_to_one_over_rows_and_columns():
    encoder = make_encoder(SIZE, 1, dataclasses.replace(SMALL, coordinates=True))
    seen = []
    encoder.convolutions[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    encoder(pictures())
    rows, columns = seen[0][0, 3], seen[0][0, 4]
    assert (float(rows[0, 5]), float(rows[-1, 5])) == (-1, 1)
    assert (float(columns[5, 0]), float(columns[5, -1])) == (-1, 1)


def test_the_papers_encoder_makes_2304_numbers_of_48_pixels_with_layer_norm_over_all_of_an_image():
    network = load_train_config(["data=x", "out=y", "algorithm=stable_crl_paper"]).network
    encoder = make_encoder((48, 48), 1, network)
    assert encoder.width == 2304
    assert [type(layer) for layer in encoder.convolutions] == [nn.Conv2d, nn.LayerNorm, nn.ReLU] * 3
    assert [tuple(n.normalized_shape) for n in encoder.convolutions if isinstance(n, nn.LayerNorm)] == [
        (32, 12, 12),
        (64, 6, 6),
        (64, 6, 6),
    ]


def convolutions(encoder: nn.Module) -> list[nn.Conv2d]:
    return [module for module in encoder.modules() if isinstance(module, nn.Conv2d)]


def test_the_papers_convolutions_start_xavier_uniform_with_relu_gain_and_without_bias():
    """They started as PyTorch's do: half as wide, with random biases."""
    network = load_train_config(["data=x", "out=y", "algorithm=stable_crl_paper"]).network
    for count in (1, 2):  # the critic's and the policy's
        for convolution, width in zip(convolutions(make_encoder((48, 48), count, network)), (8, 4, 3), strict=True):
            fans = (convolution.in_channels + convolution.out_channels) * width**2
            bound = math.sqrt(2) * math.sqrt(6 / fans)
            assert 0.98 * bound < float(convolution.weight.detach().abs().max()) <= bound * (1 + 1e-6)
            assert not convolution.bias.any()


def test_the_atari_convolutions_start_as_haikus_do():
    atari = load_train_config(["data=x", "out=y", "network=atari"]).network
    for convolution in convolutions(make_encoder((64, 64), 2, atari)):
        deviation = 1 / math.sqrt(convolution.weight[0].numel())
        assert float(convolution.weight.detach().abs().max()) <= 2 * deviation * (1 + 1e-6)
        left = 0.88  # of the deviation, without the tails
        assert float(convolution.weight.detach().std()) == pytest.approx(left * deviation, rel=0.05)
        assert not convolution.bias.any()


def test_the_small_encoder_of_the_shipped_checkpoints_starts_as_pytorch_does():
    torch.manual_seed(0)
    first = convolutions(ImageEncoder(SIZE, 3, SMALL))[0]
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 4, 8, 4, 2)
    assert torch.equal(first.weight, plain.weight)
    assert torch.equal(first.bias, plain.bias)


def test_the_small_encoder_normalises_over_an_image_with_a_scale_per_channel():
    encoder = ImageEncoder(SIZE, 3, SMALL)
    assert [type(layer) for layer in encoder.convolutions] == [nn.Conv2d, nn.GroupNorm, nn.ReLU] * 3
    assert all(layer.num_groups == 1 for layer in encoder.convolutions if isinstance(layer, nn.GroupNorm))
    assert [type(layer) for layer in encoder.project] == [nn.Linear, nn.LayerNorm, nn.ReLU]


def test_the_atari_encoder_has_no_norm():
    encoder = make_encoder(SIZE, 1, dataclasses.replace(SMALL, encoder="atari", features=0))
    assert isinstance(encoder, PaperEncoder)
    assert not [one for one in encoder.modules() if isinstance(one, nn.LayerNorm | nn.GroupNorm)]


def test_a_resnet_of_128_pixels_is_far_smaller_than_the_papers_cnn_there():
    """Pooled features keep the MLPs small; the flat ones of the 48 pixel CNN would be 16,384."""
    paper = load_train_config(["data=x", "out=y", "algorithm=stable_crl_paper"]).network
    bridge = load_train_config(["data=x", "out=y", "network=resnet"]).network
    assert make_encoder((128, 128), 1, paper).width == 16384
    assert make_encoder((128, 128), 1, bridge).width == 512


def test_states_are_passed_on_as_float32():
    encoder = make_encoder((3,), 2, dataclasses.replace(SMALL, inputs="state"))
    assert encoder.width == 6
    states = torch.randn(4, 6, dtype=torch.float64)
    assert torch.equal(encoder(states), states.float())


def test_images_for_a_network_of_states_and_the_other_way_round_are_refused():
    with pytest.raises(ContractError, match="use network=vector"):
        make_encoder((3,), 1, SMALL)
    with pytest.raises(ContractError, match="use network=small"):
        make_encoder(SIZE, 1, dataclasses.replace(SMALL, inputs="state"))


def test_images_that_are_too_small_are_refused():
    with pytest.raises(ContractError, match="images of 3 x 3 are too small"):
        make_encoder((3, 3), 1, SMALL)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": "impalla"}, "did you mean 'impala'"),
        ({"block": "relux"}, "did you mean 'relu'"),
        ({"channels": (4, 4)}, "three numbers of channels"),
        ({"encoder": "resnet", "channels": (8, 8)}, "network.depths"),
        ({"encoder": "resnet", "channels": (8, 9), "depths": (1, 1)}, "multiples of 4"),
        ({"critics": 3}, "expected 1 or 2"),
        ({"chunk": 2, "execute": 3}, "expected 1 to chunk=2"),
        ({"hidden": (16, 0)}, "at least 1"),
        ({"proprio": -1}, "0 or more"),
    ],
)
def test_sizes_that_cannot_be_built_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(SMALL, **changes)


def test_a_checkpoint_from_before_a_setting_gets_its_default_and_one_from_later_is_refused():
    old = {"channels": [4, 6, 6], "features": 16, "hidden": [16, 16], "repr_dim": 8}
    assert NetworkConfig.from_dict(old) == SMALL
    with pytest.raises(TypeError, match="newer"):
        NetworkConfig.from_dict(old | {"wings": 2})
