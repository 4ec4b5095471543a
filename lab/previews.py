"""Draws the previews that a starter bank lacks: ``python -m lab.previews`` (a minute on two cores)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from attrbank.attribute.artifact import opened
from attrbank.evaluation.preview import as_jpeg, draw_preview
from attrbank.plugins.manager import load_plugins
from attrbank.store import blobs
from attrbank.store.layout import Layout, object_files
from attrbank.store.previews import put_preview


def main(
    bank: Annotated[Path, typer.Option(help="The bank's folder; the starter bank, in a clone.")] = Path("bank"),
) -> None:
    """Draw each attribute on three fresh seeds at 0, ½ and 1, and keep that beside it."""
    layout = Layout(bank)
    missing = [path for path in object_files(layout) if not layout.preview(path.stem).exists()]
    for path in track(missing, "drawing", console=Console(stderr=True)):
        learned = opened(blobs.get(path))
        backbone = load_plugins().backbone(learned.record.backbone.name)
        typer.echo(put_preview(layout, path.stem, as_jpeg(draw_preview(learned, backbone))))


if __name__ == "__main__":
    typer.run(main)
