"""From readings to figures: estimates, curves, distances, and what is stored of them."""
