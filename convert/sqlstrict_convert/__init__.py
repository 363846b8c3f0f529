"""Offline: a Hugging Face LFM2 checkpoint folder to a quantized GGUF file."""
