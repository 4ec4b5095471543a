"""How many floating-point operations a row of a real UNet takes: ``python -m lab.flops --kind sd15 --latent 64``.

Counted on tensors without numbers, so it takes seconds and no memory; a multiplication and an addition are two.
"""

from __future__ import annotations

from typing import Annotated

import torch
import typer
from diffusers import UNet2DConditionModel
from torch.utils.flop_counter import FlopCounterMode

from lab.real_size import KINDS

TOKENS = 77


def operations(kind: str, latent: int) -> int:
    """Of one row."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(sample_size=latent, in_channels=4, out_channels=4, **KINDS[kind])
        x, text = torch.empty(1, 4, latent, latent), torch.empty(1, TOKENS, KINDS[kind]["cross_attention_dim"])
        time = torch.empty(1)
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        unet(x, time, text)
    return int(counted.get_total_flops())


def main(
    kind: Annotated[str, typer.Option(help="sd15 or sd21.")] = "sd15",
    latent: Annotated[int, typer.Option(help="The side of the latent.")] = 64,
) -> None:
    """Print the operations of a row, in units of 10¹²."""
    typer.echo(f"{kind}, latent {latent}: {operations(kind, latent) / 1e12:.2f} TFLOP a row")


if __name__ == "__main__":
    typer.run(main)
