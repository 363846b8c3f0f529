"""The daemon: questions in, statements that prepare (or typed refusals) out, over gRPC."""

__version__ = "0.1.0"
