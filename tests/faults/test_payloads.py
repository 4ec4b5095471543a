"""What would run, unpack or escape if it were opened is never opened."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from attrbank.attribute.transfer import import_attribute
from attrbank.backbones.families import load
from attrbank.errors import AttrbankError
from attrbank.pictures.read import read_image
from attrbank.pictures.read_latent import read_latent
from attrbank.store.bank import Bank
from tests.faults.conftest import Tried
from tests.helpers.artifacts import artifact, snapshot, usable


class Payload:
    """What a pickle of it does is known to whoever loads it."""

    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (self.canary, "w")


def _zip(name: str, data: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def _tar(name: str, data: bytes, kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, target, len(data)
        archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _numpy(canary: str) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Payload(canary)], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def payloads(canary: str) -> dict[str, bytes]:
    """Twenty-four files."""
    evil = pickle.dumps(Payload(canary))
    spoilt = bytearray(_zip("archive/data.pkl", evil))
    spoilt[6] |= 1  # it claims to be encrypted, which stops scanners and no loader
    return {
        **{f"pickle {protocol}": pickle.dumps(Payload(canary), protocol) for protocol in range(6)},
        "checkpoint": _zip("archive/data.pkl", evil),
        "checkpoint with a spoilt flag": bytes(spoilt),
        "old checkpoint": pickle.dumps(0x1950A86A20F9469CFC6C) + pickle.dumps(1001) + evil,
        "checkpoint in a tar": _tar("pickle", evil),
        "array": _numpy(canary),
        "arrays": _zip("a.npy", _numpy(canary)),
        "compressed pickle": gzip.compress(evil),
        "pickle in bzip2": bz2.compress(evil),
        "pickle in xz": lzma.compress(evil),
        "7z": b"7z\xbc\xaf\x27\x1c" + evil,
        "zip that leads out": _zip("../../canary", b"x"),
        "zip of a bomb": _zip("bomb", bytes(2**24), zipfile.ZIP_DEFLATED),
        "tar that leads out": _tar("../../canary", b"x"),
        "absolute tar": _tar(canary, b"x"),
        "tar of a link": _tar("objects", b"", tarfile.SYMTYPE, str(Path(canary).parent)),
        "tar of a device": _tar("null", b"", tarfile.CHRTYPE),
        "artifact with a pickle behind it": artifact() + evil,
        "artifact with a zip behind it": usable() + _zip("data.pkl", evil),
    }


KINDS = tuple(payloads("canary"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_would_run_or_unpack_is_refused_unopened(
    kind: str, tmp_path: Path, tiny_pipeline: Path, tried: Tried
) -> None:
    canary, given = tmp_path / "canary", tmp_path / "given"
    given.mkdir()
    data, bank, lost = payloads(str(canary))[kind], Bank(tmp_path / "bank"), list[str]()
    for name in ("gift.safetensors", "gift.tar", "gift.png", "gift.pt"):
        (given / name).write_bytes(data)
    model = _model(given / "model", tiny_pipeline, data)
    before = snapshot(tmp_path)
    readers: dict[str, Callable[[], object]] = {
        "add": lambda: bank.add(data),
        "import": lambda: import_attribute(bank, given / "gift.safetensors"),
        "restore a backup": lambda: bank.restore_backup(given / "gift.tar"),
        "read a picture": lambda: read_image(given / "gift.png"),
        "read a latent": lambda: read_latent(given / "gift.pt", (4, 16, 16)),
        "load a model": lambda: load(str(model)),
    }
    for name, read in readers.items():
        try:
            read()
            lost.append(f"{name} takes it")
        except AttrbankError:
            pass
        except Exception as error:
            lost.append(f"{name}: {type(error).__name__}: {error}")
    if snapshot(tmp_path) != before or canary.exists():
        lost.append("something was written")
    tried("pickles and archives, each given to six readers", 1, lost)


def _model(folder: Path, good: Path, data: bytes) -> Path:
    """A model folder whose network is the payload."""
    for path in (path for path in good.rglob("*") if path.is_file() and "unet" not in path.parts):
        (folder / path.relative_to(good)).parent.mkdir(parents=True, exist_ok=True)
        (folder / path.relative_to(good)).write_bytes(path.read_bytes())
    (folder / "unet").mkdir()
    (folder / "unet" / "config.json").write_bytes((good / "unet" / "config.json").read_bytes())
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(data)
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(data)
    return folder
