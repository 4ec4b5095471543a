"""Learn an attribute from two prompts, then give it to somebody it has never seen, more and more of it.

Run it anywhere: ``python examples/learn_and_apply.py``. It takes about a minute on two CPU cores and downloads nothing;
the attribute goes to a bank of its own, the pictures to the folder that you are in.
"""

import attrbank

studio = attrbank.open("portraits", bank="example-bank")  # the model is loaded once

grin = studio.learn(
    "grin",
    source="a photo of a serious person",
    target="a photo of a smiling person",
    seeds=range(16),  # 64 by default, which is surer; whom we edit below has none of these
    branch=0.8,  # the two runs part late, where mouths are drawn, and share all else
    replace=True,  # so that this can be run again
)
print(f"{grin.name}@{grin.id[:12]}, {grin.size_bytes / 1000:.0f} KB")

for strength in (0.3, 0.6, 1):
    result = studio.apply(f"grin:{strength}", prompt="a photo of a person", seed=10_013)
    path = result.save(f"grin-{strength}.png", replace=True)
    print(path, f"{result.unet_evaluations} evaluations")  # the second and third share their beginning with the first
