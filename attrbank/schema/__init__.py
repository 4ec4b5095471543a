"""The records that cross a boundary: what is asked, what artifacts store, what pictures carry, what was measured."""

from __future__ import annotations

from attrbank.schema.asked import (
    DEFAULT_METHOD as DEFAULT_METHOD,
    MAX_PICTURES as MAX_PICTURES,
    METHOD_OPTIONS as METHOD_OPTIONS,
    LearnSpec as LearnSpec,
    PaperOptions as PaperOptions,
    PictureFiles as PictureFiles,
    PromptPair as PromptPair,
    PromptPairs as PromptPairs,
)
from attrbank.schema.carried import PictureFile as PictureFile, Recipe as Recipe, RecipeTurn as RecipeTurn
from attrbank.schema.fields import (
    FORMAT_VERSION as FORMAT_VERSION,
    MAX_ATTRIBUTES as MAX_ATTRIBUTES,
    MAX_LABEL as MAX_LABEL,
    MAX_PROMPT as MAX_PROMPT,
    BankedZ as BankedZ,
    Core as Core,
    Finite as Finite,
    Fraction as Fraction,
    Inversion as Inversion,
    Label as Label,
    Name as Name,
    Preset as Preset,
    Prompt as Prompt,
    Record as Record,
    Seed as Seed,
    Seeds as Seeds,
    Sha256 as Sha256,
    Solver as Solver,
    Tail as Tail,
    Vectors as Vectors,
    Weights as Weights,
)
from attrbank.schema.stored import (
    AttributeRecord as AttributeRecord,
    Binding as Binding,
    Calibration as Calibration,
    PicturePair as PicturePair,
    Resolved as Resolved,
)
