"""The same people again and again: unedited, under other prompts, with edits, by every competitor."""
