"""gRPC: bytes to our types and back, errors to status. Nothing is decided here.

`call.py` is the one boundary that every call goes through; `requests.py` and
`responses.py` turn protobuf into our types and back; the other files hold the methods, one file per
service of the contract.
"""
