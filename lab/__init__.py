"""What makes the project's own models; not part of the installed package."""
