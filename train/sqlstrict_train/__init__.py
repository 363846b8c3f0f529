"""Offline: the recipe of the small bundled model, from generated data to a checkpoint."""
