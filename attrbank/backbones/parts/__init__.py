"""What families share: the description of a folder, its fingerprint and weights; networks, loaded and placed."""
