"""What makes attrbank's own models, starter bank, figures and tables. Not in the wheel."""
