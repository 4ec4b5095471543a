"""Learn an attribute from two prompts, then give it to somebody it has never seen, more and more of it.

Run it anywhere: ``python examples/learn_and_apply.py``. It takes about a minute on two CPU cores and downloads nothing;
the attribute goes to a bank of its own, the pictures to the folder that you are in.
"""

import attrbank

studio = attrbank.open("portraits", bank="example-bank")  # the model is loaded once

spectacles = studio.learn(
    "spectacles",
    source="a photo of a person",
    target="a photo of a person with glasses",
    seeds=range(16),  # 64 by default, which is surer; whom we edit below has none of these seeds
    replace=True,  # so that this can be run again
)
print(f"{spectacles.name}@{spectacles.id[:12]}, {spectacles.size_bytes / 1000:.0f} KB")

for strength in (0.3, 0.6, 1):
    result = studio.apply(f"spectacles:{strength}", prompt="a photo of a person", seed=10_001)
    path = result.save(f"spectacles-{strength}.png", replace=True)
    print(path, f"{result.unet_evaluations} evaluations")  # the second and third share their beginning with the first
