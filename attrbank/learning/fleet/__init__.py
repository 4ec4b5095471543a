"""Many attributes from one file: read, checked whole, and learned together."""
