"""What makes the project's own models, figures and findings; not part of the installed package."""
