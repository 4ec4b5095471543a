"""Jobs of Slurm, or processes of this machine, for ``--on submitit``."""

from attrbank.plugin import TAKES_ARGUMENT, Register, Spec, hookimpl


@hookimpl
def register_executors(register: Register) -> None:
    """The one executor."""
    register(
        Spec(
            "submitit",
            "Jobs of Slurm: submitit:FOLDER, on a disk that all see; or processes here, submitit:local.",
            capabilities=(TAKES_ARGUMENT,),
            target="attrbank_submitit.executor:Submitit",
        )
    )
