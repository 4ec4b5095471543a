"""From pairs of prompts or pictures to an attribute in a bank."""
