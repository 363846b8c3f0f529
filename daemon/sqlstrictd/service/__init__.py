"""gRPC: bytes to our types and back, errors to status. Nothing is decided here.

`call.py` is the one boundary that every call goes through; `messages.py` turns protobuf into our
types and back; the other files hold the methods, one file per service of the contract.
"""
