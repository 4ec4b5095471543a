"""What a model sees of a picture, and how its changes come back."""

from __future__ import annotations

import pytest
import torch

from attrbank.pictures.frame import FADE, Frame, picture_size

MODEL = (32, 32)
SIZES = [(32, 32), (64, 64), (300, 200), (200, 301), (7, 400), (400, 1), (1, 1), (33, 31)]


def picture(size: tuple[int, int]) -> torch.Tensor:
    return torch.rand(3, *size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("model", [MODEL, (32, 64)])
def test_the_frame_is_the_largest_centred_one_of_the_models_aspect(
    size: tuple[int, int], model: tuple[int, int]
) -> None:
    frame = Frame.of(picture(size), model)
    assert frame.height == size[0] or frame.width == size[1]
    assert abs(frame.height * model[1] - frame.width * model[0]) <= max(model)  # less than a pixel
    assert abs(2 * frame.top + frame.height - size[0]) <= 1
    assert abs(2 * frame.left + frame.width - size[1]) <= 1
    assert frame.cut(picture(size)).shape == (1, 3, *model)


@pytest.mark.parametrize("size", SIZES)
def test_without_a_difference_the_picture_stays_bit_for_bit(size: tuple[int, int]) -> None:
    frame = Frame.of(picture(size), MODEL)
    assert torch.equal(frame.paste(picture(size), torch.zeros(1, 3, *MODEL)), picture(size))


def test_at_the_models_own_size_cut_and_paste_are_exact() -> None:
    image, other = picture(MODEL), picture(MODEL).flip(-1)
    frame = Frame.of(image, MODEL)
    assert torch.equal(frame.cut(image)[0], image)
    torch.testing.assert_close(frame.paste(image, other[None] - image[None]), other)


def test_a_difference_reaches_the_frame_and_nothing_else() -> None:
    image = torch.full((3, 100, 200), 0.5)
    frame = Frame.of(image, MODEL)
    change = frame.paste(image, torch.full((1, 3, *MODEL), 0.25)) - image
    assert (frame.top, frame.left, frame.height, frame.width) == (0, 50, 100, 100)
    assert torch.equal(change[:, :, :50], torch.zeros(3, 100, 50))
    assert torch.equal(change[:, :, 150:], torch.zeros(3, 100, 50))
    inner = round(FADE * 100) + 1
    torch.testing.assert_close(change[:, :, 50 + inner : 150 - inner], torch.full((3, 100, 100 - 2 * inner), 0.25))


def test_a_difference_fades_in_where_the_picture_goes_on_and_only_there() -> None:
    image = torch.full((3, 160, 320), 0.5)
    change = Frame.of(image, MODEL).paste(image, torch.full((1, 3, *MODEL), 0.25)) - image
    across = change[0, 80, 80:240]
    assert across[0] < 0.01
    assert (across[1:10] >= across[:9]).all()
    torch.testing.assert_close(across, across.flip(0))
    torch.testing.assert_close(change[0, :, 160], torch.full((160,), 0.25))


def test_fine_detail_survives_an_edit() -> None:
    """Detail that the model cannot see is there afterwards, to the level."""
    checks = torch.arange(128).view(-1, 1).add(torch.arange(128)).remainder(2).expand(3, -1, -1) * 0.2 + 0.4
    edited = Frame.of(checks, MODEL).paste(checks, torch.full((1, 3, *MODEL), 0.1))
    torch.testing.assert_close(edited - 0.1, checks)


class Model:
    """Draws pictures of 24×40."""

    latent_shape = (4, 3, 5)

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        return torch.zeros(1, 3, 8 * latent.shape[-2], 8 * latent.shape[-1])


def test_a_model_that_does_not_say_how_large_its_pictures_are_draws_one() -> None:
    assert picture_size(Model()) == (24, 40)


def test_a_model_that_says_how_large_its_pictures_are_draws_none() -> None:
    says = Model()
    says.picture_size, says.decode = (12, 20), None
    assert picture_size(says) == (12, 20)
