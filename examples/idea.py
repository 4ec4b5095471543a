"""The whole idea in one page: ``python examples/idea.py [FOLDER]`` (a minute on two cores).

Draw the same noise under two prompts, and the pictures differ by what the prompts differ by. attrbank takes that
difference between the latents, over a few seeds, keeps its strongest singular vectors under a name, and adds them to
pictures that it has never seen, once, late on their way from noise. Where ``learn`` finds that no mean will do, it
asks the model for each picture's own difference, a little at several times. ``docs/method.md`` has the equations.
"""

import sys
from pathlib import Path

import attrbank

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "idea")
folder.mkdir(exist_ok=True)

# A model that stays loaded, and a bank of our own; the starter bank lies beneath it.
studio = attrbank.open("portraits", bank=folder / "bank")

# Learn, from 12 seeds, which are few: the shipped attributes had one pair of prompts, too, and 64.
pair = ("a photo of a serious person", "a photo of a smiling person")
grin = studio.learn("grin", *pair, seeds=range(12), branch=0.8)
print(f"{grin.name} is a file of {grin.size_bytes / 1000:.0f} KB, with the id {grin.id[:12]}")

# Apply. Nothing was learned on seed 10007. Strength 0 is the picture itself, 1 the full effect.
for strength in (0, 0.5, 1):
    result = studio.apply(f"grin:{strength}", seed=10007, prompt="a photo of a person")
    print(f"strength {strength}: {result.unet_evaluations} rows of the network")  # nothing is predicted twice
    result.save(folder / f"grin-{strength}.png", replace=True)
same = studio.apply("grin:0", seed=10007, prompt="a photo of a person")
print("strength 0 leaves every bit:", same.before.tobytes() == same.after.tobytes())

# Compose. Each acts at its own time, the noisier first; the others here are from the starter bank.
party = studio.apply("grin", "young:0.7", "hat", seed=10007, prompt="a photo of a woman")
party.before.save(folder / "before.png")  # PIL pictures
party.after.save(folder / "after.png")

# Repeat. A saved picture carries what made it; `attrbank show party.png` prints the command.
party.save(folder / "party.png", replace=True)
for step in party.recipe.steps_applied:
    print(f"{step.name} {step.strength:g} at timestep {step.t}")

# Keep. Attributes are files with names; a model that they do not belong to is refused before it is loaded.
print(*(entry.name for entry in attrbank.Bank.open(folder / "bank").entries()))
