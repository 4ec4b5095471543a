"""A model of avatars drawn by designers, at random places: the data, the training and the judge."""
