"""The records that cross a boundary: what is asked, what artifacts store, what pictures carry, what was measured."""

from __future__ import annotations

from attrbank.schema.asked import DEFAULT_METHOD as DEFAULT_METHOD
from attrbank.schema.asked import MAX_PICTURES as MAX_PICTURES
from attrbank.schema.asked import METHOD_OPTIONS as METHOD_OPTIONS
from attrbank.schema.asked import LearnSpec as LearnSpec
from attrbank.schema.asked import PaperOptions as PaperOptions
from attrbank.schema.asked import PictureFiles as PictureFiles
from attrbank.schema.asked import PromptPair as PromptPair
from attrbank.schema.asked import PromptPairs as PromptPairs
from attrbank.schema.carried import PictureFile as PictureFile
from attrbank.schema.carried import Recipe as Recipe
from attrbank.schema.carried import RecipeTurn as RecipeTurn
from attrbank.schema.fields import FORMAT_VERSION as FORMAT_VERSION
from attrbank.schema.fields import MAX_ATTRIBUTES as MAX_ATTRIBUTES
from attrbank.schema.fields import MAX_LABEL as MAX_LABEL
from attrbank.schema.fields import MAX_PROMPT as MAX_PROMPT
from attrbank.schema.fields import BankedZ as BankedZ
from attrbank.schema.fields import Core as Core
from attrbank.schema.fields import Finite as Finite
from attrbank.schema.fields import Fraction as Fraction
from attrbank.schema.fields import Inversion as Inversion
from attrbank.schema.fields import Label as Label
from attrbank.schema.fields import Name as Name
from attrbank.schema.fields import Preset as Preset
from attrbank.schema.fields import Prompt as Prompt
from attrbank.schema.fields import Record as Record
from attrbank.schema.fields import Seed as Seed
from attrbank.schema.fields import Seeds as Seeds
from attrbank.schema.fields import Sha256 as Sha256
from attrbank.schema.fields import Solver as Solver
from attrbank.schema.fields import Tail as Tail
from attrbank.schema.fields import Vectors as Vectors
from attrbank.schema.fields import Weights as Weights
from attrbank.schema.stored import AttributeRecord as AttributeRecord
from attrbank.schema.stored import Binding as Binding
from attrbank.schema.stored import Calibration as Calibration
from attrbank.schema.stored import PicturePair as PicturePair
from attrbank.schema.stored import Resolved as Resolved
