"""GGUF files: written, read with care, and given further keys."""
