"""Offline training: the generator of questions and statements, and the small bundled model."""
