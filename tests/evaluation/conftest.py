"""The tiny model, its attribute, and networks without weights."""

from __future__ import annotations

from tests.helpers.tiny_bench import backbone, bench, learned, networks, stocked, subject

__all__ = ["backbone", "bench", "learned", "networks", "stocked", "subject"]
