"""Any picture is read upright and in the right colours, or refused in one sentence."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from attrbank.errors import InvalidValueError, NotFoundError, StorageError
from attrbank.pictures import read as input_image
from attrbank.pictures.read import read_image
from attrbank.schema.carried import PictureFile

LEVELS = torch.tensor([0.0, 0.4, 1.0])


def gradient(mode: str = "RGB") -> Image.Image:
    """Three pixels wide and two high: red rises to the right, green is everywhere, blue only in the upper row."""
    pixels = np.zeros((2, 3, 3), dtype=np.uint8)
    pixels[..., 0], pixels[..., 1], pixels[0, :, 2] = [0, 102, 255], 51, 204
    return Image.fromarray(pixels).convert(mode)


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "webp", "tiff", "bmp", "ppm"])
def test_a_lossless_picture_is_read_as_it_is(suffix: str, tmp_path: Path) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"a.{suffix}", gradient(), **options)
    read = read_image(path)
    torch.testing.assert_close(read.pixels[0], LEVELS.expand(2, 3))
    torch.testing.assert_close(read.pixels[2, :, 0], torch.tensor([0.8, 0.0]))
    assert read.alpha is None
    assert (read.name, read.sha256) == (f"a.{suffix}", hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(orientation: int, tmp_path: Path) -> None:
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = gradient() if stored is None else gradient().transpose(stored)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", image, exif=exif)
    torch.testing.assert_close(read_image(path).pixels, read_image(saved(tmp_path / "b.png", gradient())).pixels)


def test_sixteen_bits_are_not_cut_off(tmp_path: Path) -> None:
    grey = Image.fromarray(np.array([[0, 65535, 32768]], dtype=np.uint16))
    for name in ("a.png", "a.tiff"):
        torch.testing.assert_close(
            read_image(saved(tmp_path / name, grey)).pixels, torch.tensor([[[0, 1, 32768 / 65535]]]).expand(3, 1, 3)
        )


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK"])
def test_other_colour_models_become_rgb(mode: str, tmp_path: Path) -> None:
    white = Image.new("RGB", (4, 4), "white").convert(mode)
    read = read_image(saved(tmp_path / "a.tiff", white))
    torch.testing.assert_close(read.pixels, torch.ones(3, 4, 4))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_kept_apart_and_shown_on_white(mode: str, tmp_path: Path) -> None:
    image = gradient(mode)
    image.putalpha(Image.fromarray(np.array([[0, 255, 255], [255, 255, 51]], dtype=np.uint8)))
    read = read_image(saved(tmp_path / "a.png", image))
    assert read.alpha is not None
    torch.testing.assert_close(read.alpha[0], torch.tensor([[0, 1, 1], [1, 1, 0.2]]))
    assert torch.equal(read.opaque()[:, 0, 0], torch.ones(3))
    assert torch.equal(read.opaque()[:, 0, 1], read.pixels[:, 0, 1])


def test_a_transparent_colour_of_a_palette_is_transparent(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    read = read_image(saved(tmp_path / "a.png", image, transparency=1))
    assert read.alpha is not None
    assert read.alpha.flatten().tolist() == [1, 0]
    assert read.pixels[:, 0, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "MPO"])
def test_of_several_frames_the_first_is_read(kind: str, tmp_path: Path) -> None:
    """Phones save a JPEG of several pictures, an MPO, and call it .jpg."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    read = read_image(saved(tmp_path / "a.jpg", frames[0], format=kind, save_all=True, append_images=frames[1:]))
    torch.testing.assert_close(read.pixels[:, 8, 8], torch.tensor([1.0, 0, 0]), atol=0.02, rtol=0)


def test_an_rgb_profile_is_kept_and_another_is_not(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert read_image(saved(tmp_path / "a.png", gradient(), icc_profile=profile)).icc_profile == profile
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert read_image(saved(tmp_path / "b.png", gradient(), icc_profile=lab)).icc_profile is None
    assert read_image(saved(tmp_path / "c.tiff", gradient("CMYK"), icc_profile=profile)).icc_profile is None


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"a\x1b[2J.png", b"x" * 250 + b".png"])
def test_any_name_of_a_file_becomes_one_that_a_recipe_can_hold(name: bytes, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", gradient()).rename(tmp_path / os.fsdecode(name))
    read = read_image(path)
    assert PictureFile(name=read.name, sha256=read.sha256).name.isprintable()


def test_a_missing_or_unreadable_picture_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for nothing in (tmp_path / "none.png", tmp_path):
        with pytest.raises(NotFoundError, match="There is no picture"):
            read_image(nothing)
    path = saved(tmp_path / "a.png", gradient())

    def refused(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(StorageError, match="Permission denied"):
        read_image(path)


@pytest.mark.parametrize(
    "data", [b"", b"not a picture", b"%!PS-Adobe-3.0\n%%BoundingBox: 0 0 9 9\n", b"<svg/>", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_picture_is_a_bad_value(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InvalidValueError):
        read_image(tmp_path / "a.png")


def test_postscript_is_never_opened(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.eps", gradient())
    with pytest.raises(InvalidValueError, match="not a picture of a format"):
        read_image(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff", "gif", "bmp"])
def test_every_truncation_is_one_sentence_or_a_whole_picture(suffix: str, tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8))
    whole = saved(tmp_path / f"a.{suffix}", noise).read_bytes()
    cut, refused = tmp_path / f"b.{suffix}", 0
    for length in range(0, len(whole), max(1, len(whole) // 60)):
        cut.write_bytes(whole[:length])
        with contextlib.suppress(InvalidValueError):
            assert read_image(cut).pixels.shape == (3, 40, 40)
            continue
        refused += 1
    assert refused > 40


@pytest.mark.parametrize("side", [9_000, 20_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_unread(side: int, tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(InvalidValueError, match="too large"):
        read_image(tmp_path / "a.png")


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_image, "MAX_BYTES", 100)
    path = saved(tmp_path / "a.bmp", Image.new("RGB", (9, 9)))
    with pytest.raises(InvalidValueError, match="too large"):
        read_image(path)


def test_floating_point_pictures_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tiff", Image.fromarray(np.ones((2, 2), dtype=np.float32)))
    with pytest.raises(InvalidValueError, match="floating"):
        read_image(path)


def test_flipped_bytes_never_end_in_a_foreign_error(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    gradient().resize((16, 16)).save(buffer, "JPEG", exif=exif)
    whole, path = buffer.getvalue(), tmp_path / "a.jpg"
    for position in range(0, len(whole), 3):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        with contextlib.suppress(InvalidValueError):
            read_image(path)
