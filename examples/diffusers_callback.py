"""Attributes inside a stock pipeline of diffusers: ``python examples/diffusers_callback.py [OUT.png]``.

The model is the one that comes with attrbank, in the folder format of Stable Diffusion, and nothing here knows that it
is small: put your own folder and attributes that were learned on it in their place.
"""

import sys
from importlib import resources

from diffusers import DDIMScheduler, StableDiffusionPipeline

from attrbank.diffusers import AttributeCallback

out = sys.argv[1] if len(sys.argv) > 1 else "callback.png"

with resources.as_file(resources.files("attrbank.backbones.portraits") / "model") as folder:
    pipeline = StableDiffusionPipeline.from_pretrained(folder, local_files_only=True)

# DDIM over the model's own training schedule, as attrbank runs it.
pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)

# The callback adds banked means, and asks the network nothing, as Φ does in `attrbank apply`. Only an attribute without
# a mean, which `learn` makes where subjects move about, asks the pipeline's UNet, for about a fifth of the run more.
callback = AttributeCallback("young:0.7", "smile")
picture = pipeline("a photo of a man", callback_on_step_end=callback, num_inference_steps=25).images[0]
picture.save(out)
print(out)
