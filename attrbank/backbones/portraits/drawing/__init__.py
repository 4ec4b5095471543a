"""The parts of a portrait, each drawn by a function of a scene."""
