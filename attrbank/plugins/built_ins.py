"""What attrbank brings along, registered through the hooks that are open to everybody."""

from __future__ import annotations

from attrbank.plugins.hookspecs import PLACEABLE, TAKES_ARGUMENT, Register, Spec, hookimpl

COMMANDS = (
    Spec("ui", "Open a page with sliders in a browser.", target="attrbank.ui.command:ui"),
    Spec("learn", "Learn an attribute from a pair of prompts, or of pictures.", target="attrbank.cli.learn:learn"),
    Spec("apply", "Apply attributes to a picture, and save before and after.", target="attrbank.cli.apply:apply"),
    Spec("replay", "Draw a picture again from the recipe in it.", target="attrbank.cli.replay:replay"),
    Spec("strip", "Draw an attribute at several strengths, beside each other.", target="attrbank.cli.sheets:strip"),
    Spec("grid", "Draw every combination of two things that vary.", target="attrbank.cli.sheets:grid"),
    Spec("eval", "Measure attributes against other ways to do the same.", target="attrbank.cli.eval:evaluate"),
    Spec("matrix", "Measure how attributes go together.", target="attrbank.cli.matrix:matrix"),
    Spec("list", "List the attributes of the bank.", target="attrbank.cli.listing:list_attributes"),
    Spec("show", "Show an attribute, or the command that made a picture.", target="attrbank.cli.show:show"),
    Spec("rm", "Move an attribute to the trash.", target="attrbank.cli.curate:remove"),
    Spec("restore", "Bring an attribute back from the trash.", target="attrbank.cli.curate:restore"),
    Spec("rename", "Call an attribute otherwise.", target="attrbank.cli.annotate:rename"),
    Spec("alias", "Let other names mean an attribute.", target="attrbank.cli.annotate:alias"),
    Spec("tag", "Tag an attribute, to list it by.", target="attrbank.cli.annotate:tag"),
    Spec("note", "Keep a note beside an attribute.", target="attrbank.cli.annotate:note"),
    Spec("search", "Find attributes by words of theirs.", target="attrbank.cli.listing:search"),
    Spec("similar", "Show what changes pictures most alike, or most oppositely.", target="attrbank.cli.alike:similar"),
    Spec("diff", "Say what two attributes differ in.", target="attrbank.cli.diff:diff"),
    Spec("dedupe", "Find attributes that are nearly the same.", target="attrbank.cli.alike:dedupe"),
    Spec("gallery", "Show the bank as a page that stands alone.", target="attrbank.cli.gallery:gallery"),
    Spec("export", "Copy attributes to files that can be handed on.", target="attrbank.cli.transfer:export"),
    Spec("import", "Add attributes from files.", target="attrbank.cli.transfer:import_files"),
    Spec("push", "Add attributes to a shared folder or a repository of the hub.", target="attrbank.cli.exchange:push"),
    Spec("pull", "Add attributes from a shared place or a web server.", target="attrbank.cli.exchange:pull"),
    Spec("verify", "Check every artifact of the bank, and what was measured.", target="attrbank.cli.maintain:verify"),
    Spec("reindex", "Rebuild the bank's index from its artifacts.", target="attrbank.cli.maintain:reindex"),
    Spec("backup", "Copy the whole bank to one file, or back.", target="attrbank.cli.backup:backup"),
    Spec("prune", "Delete for good what has long been in the trash.", target="attrbank.cli.maintain:prune"),
    Spec("doctor", "Say what is here, and what is wrong.", target="attrbank.cli.doctor:doctor"),
    Spec("config", "Show the settings, or change one.", target="attrbank.cli.config:config"),
    Spec("plugins", "List the plugins, write a new one, or check one.", target="attrbank.plugin.command:plugins"),
    Spec("samplers", "List the samplers.", target="attrbank.cli.extend:samplers"),
    Spec("backbones", "List the backbones, or give a model a short name.", target="attrbank.cli.backbones:backbones"),
    Spec("compat", "Say which attribute can act on which backbone.", target="attrbank.cli.compat:compat"),
    Spec("methods", "List the methods.", target="attrbank.cli.extend:methods"),
    Spec("metrics", "List the metrics.", target="attrbank.cli.extend:metrics"),
    Spec("judges", "List the judges.", target="attrbank.cli.extend:judges"),
    Spec("executors", "List the executors.", target="attrbank.cli.extend:executors"),
)
"""The commands in the order in which ``--help`` shows them."""


@hookimpl
def register_commands(register: Register) -> None:
    """The commands above; registering them is what reserves their names."""
    for command in COMMANDS:
        register(command)


@hookimpl
def register_samplers(register: Register) -> None:
    """The two that everything is tested with; others are plugins."""
    register(
        Spec(
            "ddim",
            "Deterministic (Song et al., 2021).",
            target="attrbank.samplers.ddim:DDIM",
        )
    )
    register(
        Spec(
            "ddpm",
            "Ancestral sampling with fresh noise at every step (Ho et al., 2020).",
            capabilities=("stochastic",),
            target="attrbank.samplers.ddpm:DDPM",
        )
    )


@hookimpl
def register_backbones(register: Register) -> None:
    """The embedded model, and the loader for everybody else's."""
    register(
        Spec(
            "portraits",
            "Small drawn portraits; shipped with attrbank, runs on a CPU.",
            capabilities=("offline", PLACEABLE),
            target="attrbank.backbones.families:load",
            describe="attrbank.backbones.families:describe",
            judge="attrbank.evaluation.judges.oracle_judge:of_portraits",
        )
    )
    register(
        Spec(
            "latent_diffusion",
            "Stable Diffusion, Flux and unconditional models: a folder, a single file or a hub id.",
            capabilities=(PLACEABLE,),
            target="attrbank.backbones.families:load",
            describe="attrbank.backbones.families:describe",
        )
    )


@hookimpl
def register_methods(register: Register) -> None:
    """Attribute vectors, from the difference or as the paper has them, and directions of the text encoder."""
    register(
        Spec(
            "avi",
            "Attribute vector integration (Wang et al., arXiv 2502.02225).",
            capabilities=("difference", "paper"),
            target="attrbank.methods.avi:Avi",
        )
    )
    register(
        Spec(
            "text",
            "A direction of the text encoder at the subject's word (Baumann et al., arXiv 2403.17064).",
            capabilities=("mean", "distil"),
            target="attrbank.methods.text:Text",
        )
    )


@hookimpl
def register_metrics(register: Register) -> None:
    """What can be said of an edit without knowing the attribute."""
    register(
        Spec(
            "change",
            "Mean absolute change of the pixels, 0 to 1.",
            target="attrbank.evaluation.numbers.metrics:Change",
        )
    )
    register(
        Spec(
            "psnr",
            "Peak signal-to-noise ratio in dB, 100 for no change.",
            target="attrbank.evaluation.numbers.metrics:Psnr",
        )
    )
    register(
        Spec(
            "oracle-perceptual",
            "Perceptual distance as the oracle for portraits sees it, 0 for no change.",
            capabilities=("portraits",),
            target="attrbank.evaluation.numbers.metrics:OraclePerceptual",
        )
    )


@hookimpl
def register_judges(register: Register) -> None:
    """Who knows the truth, who has seen photographs, and who asks the model itself."""
    register(
        Spec(
            "oracle",
            "The backbone's own judge, which knows the truth; the default where there is one.",
            target="attrbank.evaluation.judges.choosing:oracle",
        )
    )
    register(
        Spec(
            "clip",
            "CLIP between the two prompts, with weights of yours: clip:DIR.",
            capabilities=(TAKES_ARGUMENT,),
            target="attrbank.evaluation.judges.clip_judge:from_folder",
        )
    )
    register(
        Spec(
            "self",
            "An opinion of the model that drew the pictures: which prompt explains them better.",
            target="attrbank.evaluation.judges.self_judge:SelfJudge",
        )
    )


@hookimpl
def register_executors(register: Register) -> None:
    """This process, and the workers of a cluster."""
    register(
        Spec(
            "here",
            "One after the other, in this process; the default.",
            target="attrbank.executors.here:Here",
        )
    )
    register(
        Spec(
            "ray",
            "Workers of Ray: on this machine, or of a cluster, ray:ADDRESS.",
            capabilities=(TAKES_ARGUMENT,),
            target="attrbank.executors.on_ray:Ray",
        )
    )
