"""The one module that authors of plugins import: all that a sampler, a method or another thing of theirs needs.

::

    from attrbank.plugin import Spec, hookimpl

    @hookimpl
    def register_samplers(register):
        register(Spec("euler", "Euler's method.", target="attrbank_euler.sampler:Euler"))

``docs/plugins.md`` is the guide. Every name is imported on first use, so that a module with hooks stays as light as it
must be: this one loads neither torch nor diffusers. Its fixtures are there for pytest with
``pytest_plugins = ["attrbank.plugin"]`` in a ``conftest.py``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attrbank import files as files
    from attrbank.attribute.artifact import (
        LearnedAttribute as LearnedAttribute,
        decode as decode,
        encode as encode,
        opened as opened,
    )
    from attrbank.attribute.compatibility import check_binding as check_binding, forced_warning as forced_warning
    from attrbank.avi.difference import signal_and_noise as signal_and_noise
    from attrbank.avi.exact import solve as solve
    from attrbank.avi.factors import (
        Factors as Factors,
        factorise as factorise,
        nonzero as nonzero,
        reconstruct as reconstruct,
    )
    from attrbank.avi.integrate import (
        Tail as Tail,
        Weights as Weights,
        add_edit as add_edit,
        apply_edit as apply_edit,
        blend_weights as blend_weights,
        integrate as integrate,
    )
    from attrbank.avi.network import StoredNetwork as StoredNetwork
    from attrbank.avi.objective import PAPER_LAMBDAS as PAPER_LAMBDAS, Lambdas as Lambdas, pose as pose
    from attrbank.backbones.families import describe as describe, load as load
    from attrbank.backbones.parts.fingerprint import Fingerprints as Fingerprints
    from attrbank.backbones.portraits.parameters import draw as draw
    from attrbank.backbones.portraits.render import render as render
    from attrbank.backbones.stable_diffusion.describe import NAMES_IN_CHECKPOINTS as NAMES_IN_CHECKPOINTS
    from attrbank.backbones.stable_diffusion.loaded import fingerprints_of_loaded as fingerprints_of_loaded
    from attrbank.cli import terminal as terminal
    from attrbank.cli.app import run as run
    from attrbank.cli.measuring import CommonPromptOption as CommonPromptOption
    from attrbank.cli.options import (
        BackboneOption as BackboneOption,
        BankOption as BankOption,
        JsonOption as JsonOption,
        Sampling as Sampling,
        Where as Where,
        spelled_out as spelled_out,
    )
    from attrbank.cli.progress_bar import progress_bar as progress_bar
    from attrbank.diffusers import SchedulerSampler as SchedulerSampler
    from attrbank.diffusion.attention import (
        Attend as Attend,
        Attentive as Attentive,
        Layer as Layer,
        Wants as Wants,
        attention_of as attention_of,
        guided_call as guided_call,
        rows_without_prompt as rows_without_prompt,
    )
    from attrbank.diffusion.bottleneck import Bottleneck as Bottleneck, bottleneck_of as bottleneck_of
    from attrbank.diffusion.features import FeatureMap as FeatureMap
    from attrbank.diffusion.network import Adapt as Adapt, Adaptable as Adaptable, network_of as network_of
    from attrbank.diffusion.placement import Placement as Placement
    from attrbank.diffusion.position import Position as Position
    from attrbank.diffusion.prediction import from_epsilon as from_epsilon, from_velocity as from_velocity
    from attrbank.diffusion.protocols import (
        Backbone as Backbone,
        Comparable as Comparable,
        Conditioning as Conditioning,
        Defaults as Defaults,
        Description as Description,
        Guidance as Guidance,
        InvertibleSampler as InvertibleSampler,
        Metric as Metric,
        Prediction as Prediction,
        Sampler as Sampler,
        check_guidance as check_guidance,
    )
    from attrbank.diffusion.schedule import (
        Grid as Grid,
        Schedule as Schedule,
        nearest_index as nearest_index,
        timestep_at as timestep_at,
        timestep_grid as timestep_grid,
    )
    from attrbank.diffusion.spelling import (
        Place as Place,
        TokenSpans as TokenSpans,
        occurrences as occurrences,
        token_spans_of as token_spans_of,
    )
    from attrbank.diffusion.steering import Guide as Guide, GuideInputs as GuideInputs
    from attrbank.diffusion.trajectory import (
        Trajectory as Trajectory,
        predict_under as predict_under,
    )
    from attrbank.editing.acting import Ready as Ready, ready as ready
    from attrbank.editing.axes import numbers as numbers
    from attrbank.editing.composition import Act as Act, run_edits as run_edits
    from attrbank.editing.guest import (
        Guest as Guest,
        Host as Host,
        Turn as Turn,
        edited as edited,
        guest as guest,
        turns_of as turns_of,
    )
    from attrbank.editing.request import ApplyRequest as ApplyRequest
    from attrbank.errors import (
        AttrbankError as AttrbankError,
        BankBusyError as BankBusyError,
        CorruptArtifactError as CorruptArtifactError,
        IncompatibleError as IncompatibleError,
        InvalidValueError as InvalidValueError,
        NotFoundError as NotFoundError,
        NumericError as NumericError,
        PartialError as PartialError,
        PluginError as PluginError,
        StorageError as StorageError,
    )
    from attrbank.evaluation.bench.bench import Bench as Bench
    from attrbank.evaluation.bench.competitors import PaperWithoutNetwork as PaperWithoutNetwork
    from attrbank.evaluation.bench.split import SPLITS as SPLITS, refuse_learned as refuse_learned
    from attrbank.evaluation.bench.subjects import (
        RENDERED as RENDERED,
        Subject as Subject,
        goal_of as goal_of,
        target_prompt as target_prompt,
    )
    from attrbank.evaluation.judges.judge import Case as Case, Judge as Judge
    from attrbank.evaluation.judges.oracle import Role as Role
    from attrbank.evaluation.judges.oracle_judge import OracleJudge as OracleJudge
    from attrbank.evaluation.judges.perfect import PerfectEdits as PerfectEdits
    from attrbank.evaluation.judges.readings import (
        ATTRIBUTES as ATTRIBUTES,
        IDENTITY as IDENTITY,
        Pictures as Pictures,
        degree as degree,
        flips as flips,
        identities as identities,
        identity_spread as identity_spread,
        perceptual_distance as perceptual_distance,
    )
    from attrbank.evaluation.numbers.distributions import (
        frechet_distance as frechet_distance,
        kernel_distance as kernel_distance,
    )
    from attrbank.evaluation.numbers.estimates import mean as mean, share as share
    from attrbank.evaluation.numbers.metrics import Change as Change
    from attrbank.evaluation.report import page as page
    from attrbank.executors.protocol import (
        Ended as Ended,
        Executor as Executor,
        Hear as Hear,
        Job as Job,
        Take as Take,
        Task as Task,
    )
    from attrbank.learning.request import learn_spec as learn_spec
    from attrbank.learning.run import (
        DEFAULT_BACKBONE as DEFAULT_BACKBONE,
        complete as complete,
        learn_attribute as learn_attribute,
        learn_attributes as learn_attributes,
    )
    from attrbank.methods.avi import Avi as Avi
    from attrbank.methods.inputs import EditInputs as EditInputs
    from attrbank.methods.intervals import OverInterval as OverInterval, require_interval as require_interval
    from attrbank.methods.moving import moved_at_once as moved_at_once
    from attrbank.methods.needs import Meanwhile as Meanwhile, Needs as Needs, OtherRun as OtherRun
    from attrbank.methods.paired import Pair as Pair, PairedEdit as PairedEdit
    from attrbank.methods.pairs import CleanPairs as CleanPairs, predict_clean_pairs as predict_clean_pairs
    from attrbank.methods.protocol import (
        Edit as Edit,
        GuidanceEdit as GuidanceEdit,
        LeadingEdit as LeadingEdit,
        LearnContext as LearnContext,
        Learned as Learned,
        Method as Method,
        ModelEdit as ModelEdit,
        OnProgress as OnProgress,
        PromptEdit as PromptEdit,
    )
    from attrbank.methods.strengths import Strengths as Strengths
    from attrbank.methods.subspace import (
        Subspace as Subspace,
        signed as signed,
        strongest as strongest,
        within as within,
    )
    from attrbank.names import (
        Asked as Asked,
        When as When,
        format_seeds as format_seeds,
        parse_asked as parse_asked,
        parse_seeds as parse_seeds,
        parse_strengths as parse_strengths,
    )
    from attrbank.pictures.sheet import draw_grid as draw_grid
    from attrbank.plugin.testing import (
        BackboneContract as BackboneContract,
        ExecutorContract as ExecutorContract,
        JudgeContract as JudgeContract,
        MethodContract as MethodContract,
        MetricContract as MetricContract,
        SamplerContract as SamplerContract,
        fake_attribute as fake_attribute,
        tiny_backbone as tiny_backbone,
        tmp_bank as tmp_bank,
    )
    from attrbank.plugins.hookspecs import (
        PLACEABLE as PLACEABLE,
        TAKES_ARGUMENT as TAKES_ARGUMENT,
        Register as Register,
        Spec as Spec,
        hookimpl as hookimpl,
    )
    from attrbank.plugins.manager import load_plugins as load_plugins
    from attrbank.samplers.ddim import DDIM as DDIM
    from attrbank.samplers.ddpm import DDPM as DDPM
    from attrbank.schema.asked import LearnSpec as LearnSpec, PromptPair as PromptPair
    from attrbank.schema.measured import Estimate as Estimate
    from attrbank.schema.stored import AttributeRecord as AttributeRecord
    from attrbank.store.bank import Bank as Bank
    from attrbank.store.entry import Entry as Entry

_NAMES_IN = {
    # what a package registers
    "attrbank.plugins.hookspecs": "Spec hookimpl PLACEABLE TAKES_ARGUMENT Register",
    # what samplers, backbones and metrics are made of
    "attrbank.diffusion.protocols": (
        "Backbone Comparable Conditioning Defaults Description Guidance InvertibleSampler Metric Prediction Sampler "
        "check_guidance"
    ),
    "attrbank.diffusion.schedule": "Grid Schedule nearest_index timestep_at timestep_grid",
    "attrbank.diffusion.prediction": "from_epsilon from_velocity",
    "attrbank.diffusion.placement": "Placement",
    "attrbank.diffusers": "SchedulerSampler",
    # what judges are made of
    "attrbank.evaluation.judges.judge": "Case Judge",
    # what methods are made of
    "attrbank.methods.inputs": "EditInputs",
    "attrbank.methods.protocol": (
        "Edit GuidanceEdit LeadingEdit LearnContext Learned Method ModelEdit OnProgress PromptEdit"
    ),
    "attrbank.methods.needs": "Meanwhile Needs OtherRun",
    "attrbank.methods.paired": "Pair PairedEdit",
    "attrbank.methods.strengths": "Strengths",
    "attrbank.methods.intervals": "OverInterval require_interval",
    "attrbank.methods.moving": "moved_at_once",
    "attrbank.methods.pairs": "CleanPairs predict_clean_pairs",
    "attrbank.methods.subspace": "Subspace signed strongest within",
    "attrbank.avi.network": "StoredNetwork",
    "attrbank.diffusion.attention": "Attend Attentive Layer Wants attention_of guided_call rows_without_prompt",
    "attrbank.diffusion.bottleneck": "Bottleneck bottleneck_of",
    "attrbank.diffusion.features": "FeatureMap",
    "attrbank.diffusion.network": "Adapt Adaptable network_of",
    "attrbank.diffusion.spelling": "Place TokenSpans occurrences token_spans_of",
    "attrbank.diffusion.steering": "Guide GuideInputs",
    "attrbank.diffusion.position": "Position",
    "attrbank.diffusion.trajectory": "Trajectory predict_under",
    "attrbank.schema.asked": "LearnSpec PromptPair",
    "attrbank.schema.stored": "AttributeRecord",
    # what executors are made of
    "attrbank.executors.protocol": "Ended Executor Hear Job Take Task",
    # what to compare with
    "attrbank.samplers.ddim": "DDIM",
    "attrbank.samplers.ddpm": "DDPM",
    "attrbank.methods.avi": "Avi",
    # the engine, for research that goes beside the protocols
    "attrbank.attribute.artifact": "LearnedAttribute decode encode opened",
    "attrbank.editing.composition": "Act run_edits",
    "attrbank.learning.run": "learn_attribute learn_attributes DEFAULT_BACKBONE complete",
    "attrbank.backbones.families": "describe load",
    "attrbank.learning.request": "learn_spec",
    "attrbank.plugins.manager": "load_plugins",
    "attrbank.store.bank": "Bank",
    "attrbank.store.entry": "Entry",
    # attributes in another program, which samples by itself
    "attrbank.editing.guest": "Guest Host Turn edited guest turns_of",
    "attrbank.editing.request": "ApplyRequest",
    "attrbank.editing.acting": "Ready ready",
    "attrbank.editing.axes": "numbers",
    "attrbank.backbones.stable_diffusion.describe": "NAMES_IN_CHECKPOINTS",
    "attrbank.backbones.stable_diffusion.loaded": "fingerprints_of_loaded",
    "attrbank.backbones.parts.fingerprint": "Fingerprints",
    # the mathematics
    "attrbank.avi.difference": "signal_and_noise",
    "attrbank.avi.exact": "solve",
    "attrbank.avi.factors": "Factors factorise nonzero reconstruct",
    "attrbank.avi.integrate": "Tail Weights add_edit apply_edit blend_weights integrate",
    "attrbank.avi.objective": "Lambdas PAPER_LAMBDAS pose",
    # the bench and its judges
    "attrbank.attribute.compatibility": "check_binding forced_warning",
    "attrbank.backbones.portraits.parameters": "draw",
    "attrbank.backbones.portraits.render": "render",
    "attrbank.evaluation.bench.bench": "Bench",
    "attrbank.evaluation.bench.competitors": "PaperWithoutNetwork",
    "attrbank.evaluation.bench.split": "SPLITS refuse_learned",
    "attrbank.evaluation.bench.subjects": "RENDERED Subject goal_of target_prompt",
    "attrbank.evaluation.judges.oracle": "Role",
    "attrbank.evaluation.judges.oracle_judge": "OracleJudge",
    "attrbank.evaluation.judges.readings": (
        "ATTRIBUTES IDENTITY Pictures degree flips identities identity_spread perceptual_distance"
    ),
    "attrbank.evaluation.numbers.metrics": "Change",
    "attrbank.schema.measured": "Estimate",
    "attrbank.evaluation.judges.perfect": "PerfectEdits",
    "attrbank.evaluation.numbers.distributions": "frechet_distance kernel_distance",
    "attrbank.evaluation.numbers.estimates": "mean share",
    "attrbank.evaluation.report": "page",
    # what commands share
    "attrbank.names": "Asked When format_seeds parse_asked parse_seeds parse_strengths",
    "attrbank.pictures.sheet": "draw_grid",
    "attrbank": "files",
    "attrbank.cli": "terminal",
    "attrbank.cli.app": "run",
    "attrbank.cli.measuring": "CommonPromptOption",
    "attrbank.cli.options": "BackboneOption BankOption JsonOption Sampling Where spelled_out",
    "attrbank.cli.progress_bar": "progress_bar",
    # how all of it is tested
    "attrbank.plugin.testing": (
        "BackboneContract ExecutorContract JudgeContract MethodContract MetricContract SamplerContract "
        "fake_attribute tiny_backbone tmp_bank"
    ),
    # what goes wrong, with its exit code
    "attrbank.errors": (
        "AttrbankError BankBusyError CorruptArtifactError IncompatibleError InvalidValueError NotFoundError "
        "NumericError PartialError PluginError StorageError"
    ),
}

_HOME_OF = {name: module for module, names in _NAMES_IN.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 — the table above is the list


def __getattr__(name: str) -> Any:
    """The public object of that name, imported now (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'attrbank.plugin' has no attribute {name!r}")
    value = _found(_HOME_OF[name], name)
    globals()[name] = value
    return value


def _found(home: str, name: str) -> Any:
    """What a module defines, or one of a package's modules."""
    module = import_module(home)
    return getattr(module, name) if hasattr(module, name) else import_module(f"{home}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
