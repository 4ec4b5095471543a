"""A mask limits an edit, in the latent and in the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from attrbank.editing.masking import MaskedEdit
from attrbank.errors import InvalidValueError
from attrbank.pictures.mask import Mask
from attrbank.pictures.read import InputImage
from tests.editing.test_retouching import apply as apply_request, ask, bank, photo  # noqa: F401 — fixtures


def image(brightness: torch.Tensor, alpha: torch.Tensor | None = None) -> InputImage:
    return InputImage(brightness.expand(3, -1, -1), alpha, "0" * 64, "mask.png")


def left_half(height: int, width: int) -> torch.Tensor:
    return (torch.arange(width) < width // 2).float().expand(1, height, -1)


def mask_of(brightness: torch.Tensor, picture: tuple[int, int] = (32, 32), **options) -> Mask:
    return Mask.of(image(brightness, **options), torch.empty(3, *picture), (32, 32), (16, 16))


def test_the_feather_reaches_two_latent_cells_to_either_side_and_no_further():
    weights = mask_of(left_half(32, 32)).pixels[0, 0, 10]
    assert torch.equal(weights[:12], torch.ones(12))
    assert torch.equal(weights[20:], torch.zeros(12))
    assert (weights[12:20] < weights[11:19]).all()
    torch.testing.assert_close(weights + weights.flip(0), torch.ones(32))


def test_a_mask_of_another_size_and_the_same_aspect_is_the_same_mask():
    small, large = mask_of(left_half(32, 32)), mask_of(left_half(320, 320))
    torch.testing.assert_close(small.pixels, large.pixels, atol=0.05, rtol=0)
    assert small.latent.shape == (1, 1, 16, 16)
    wide = mask_of(left_half(64, 128), picture=(320, 640))
    torch.testing.assert_close(wide.pixels, small.pixels, atol=0.05, rtol=0)


def test_transparent_is_black():
    weights = mask_of(torch.ones(1, 32, 32), alpha=left_half(32, 32)).pixels
    assert torch.equal(weights, mask_of(left_half(32, 32)).pixels)


@pytest.mark.parametrize("brightness", [torch.ones(1, 32, 64), torch.zeros(1, 32, 32)])
def test_a_mask_of_another_aspect_or_all_black_is_refused(brightness):
    with pytest.raises(InvalidValueError, match="mask"):
        mask_of(brightness)


def test_a_masked_edit_leaves_the_rest_of_the_latent_alone():
    x, mask = torch.randn(2, 4, 16, 16), mask_of(left_half(32, 32)).latent
    edited = MaskedEdit(lambda x, inputs, strength: x + strength, mask)(x, None, 1.0)
    assert torch.equal(edited[..., 10:], x[..., 10:])
    torch.testing.assert_close(edited[..., :6], x[..., :6] + 1)
    assert torch.equal(MaskedEdit(lambda x, inputs, strength: x, mask)(x, None, 0.0), x)


@pytest.mark.parametrize("with_picture", [True, False])
def test_outside_the_mask_the_picture_stays_bit_for_bit(with_picture, ask, photo, tmp_path):  # noqa: F811
    size = (160, 64) if with_picture else (32, 32)
    pixels = np.zeros((size[1], size[0]), dtype=np.uint8)
    pixels[:, : size[0] // 2] = 255
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    applied = apply_request(ask(image=photo if with_picture else None, mask=tmp_path / "mask.png"))
    change = (applied.after - applied.before).abs().amax((0, 1))
    edge = 96 if with_picture else 20
    assert torch.equal(change[edge:], torch.zeros(size[0] - edge))
    assert change[: size[0] // 2].max() > 0.001


def test_a_mask_is_read_like_any_picture(ask, photo, tmp_path):  # noqa: F811
    (tmp_path / "mask.png").write_bytes(b"no mask")
    with pytest.raises(InvalidValueError, match="not a picture"):
        apply_request(ask(image=photo, mask=Path(tmp_path / "mask.png")))
