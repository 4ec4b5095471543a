"""A large picture is there a few times, not a dozen times."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PIL import Image

SIDE = 3000
PROGRAM = """
import resource, sys
from pathlib import Path
import torch
from attrbank.pictures.frame import Frame
from attrbank.pictures.read import read_image
from attrbank.pictures.sheet import draw_pair

torch.set_num_threads(1)

def peak():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = peak()
picture = read_image(Path(sys.argv[1]))
read = peak()
frame = Frame.of(picture.pixels, (128, 128))
frame.cut(picture.opaque())
after = frame.paste(picture.pixels, torch.full((1, 3, 128, 128), 0.1))
pasted = peak()
draw_pair(picture.pixels, after, ("a", "b"))
print(read - before, pasted - before, peak() - before)
"""


def test_a_large_picture_is_read_edited_and_laid_out_in_so_many_bytes_a_pixel(tmp_path: Path) -> None:
    """Twelve bytes a pixel are a picture in float32; Pillow has one in four."""
    path = tmp_path / "a.jpg"
    Image.linear_gradient("L").resize((SIDE, SIDE)).convert("RGB").save(path)
    run = subprocess.run([sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True)
    read, pasted, drawn = (int(peak) / SIDE**2 for peak in run.stdout.split())
    assert read < 12
    assert pasted < 26
    assert drawn < 36
