"""Measurements made by hand."""

from __future__ import annotations

from attrbank.schema.measured import Card, Estimate, Matched, Matrix, Pairing, Protocol

PROTOCOL = Protocol(
    split="judge",
    seeds="10000-10063",
    prompt="a photo of a person",
    backbone="portraits",
    fingerprint="0123456789abcdef",
    sampler="ddim",
    steps=50,
    guidance_scale=3.0,
    judge="judge",
    judge_weights="0123456789ab",
)


def around(value: float, width: float = 0.05) -> Estimate:
    return Estimate(value=value, low=value - width, high=value + width)


def a_card(identity: str, score: float | None = 0.9) -> Card:
    """A card; a score of None was not measured at strength 1."""
    return Card(
        id=identity,
        protocol=PROTOCOL,
        pictures=40,
        target="a photo of a young person",
        full=None if score is None else {"success": around(score), "flips": around(0.1)},
        matched=Matched(strength=1.1, reached=True, figures={"success": around(0.95), "flips": around(0.12)}),
        limit={"perceptual": 0.3},
        usable=None if score is None else (0.4, 1.3),
    )


def a_pair(of: str, given: str, gain: float, high: float | None = None) -> Pairing:
    """A pair whose gain has this upper end; about as sure as usual if that is not given."""
    found = around(gain) if high is None else Estimate(value=gain, low=2 * gain - high, high=high)
    return Pairing(
        of=of,
        given=given,
        pictures=40,
        alone=around(0.9),
        together=around(0.9 + gain),
        gain=found,
        survival=around(1.0),
        order=around(0.0),
    )


def a_matrix(*pairs: Pairing) -> Matrix:
    """A matrix of these pairs."""
    names = {identity: f"a{identity[:6]}" for pair in pairs for identity in (pair.of, pair.given)}
    return Matrix(protocol=PROTOCOL, names=names, pairs=pairs, groups=())
