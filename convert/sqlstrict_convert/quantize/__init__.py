"""An unquantized GGUF file -> a quantized one, with or without an importance matrix."""
