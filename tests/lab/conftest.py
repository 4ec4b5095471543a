"""The tiny model and its attribute, as evaluations have them."""

from __future__ import annotations

from tests.helpers.tiny_bench import backbone, bench, learned, networks, stocked, subject

__all__ = ["backbone", "bench", "learned", "networks", "stocked", "subject"]
