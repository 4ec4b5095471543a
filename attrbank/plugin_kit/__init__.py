"""What plugin authors build and check their plugins with: contracts, scaffolds, tiny models."""
