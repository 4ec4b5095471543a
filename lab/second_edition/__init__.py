"""The second edition of ``portraits``: graded attributes, colours that can be asked for, and its trainings."""
