"""Writes the stubs in `sqlstrict_proto/v1` again from `sqlstrict/v1/sqlstrict.proto`.

    python proto/generate.py [--out FOLDER]

The compiler is an older grpcio-tools, pinned: stubs that it writes load on that version's protobuf
and on every newer one, while stubs of a new compiler refuse older ones. It conflicts with the
grpcio packages of the project, so it lives in a virtual environment of its own, made on demand.
Nothing rewrites what it writes: `-I` maps the contract's folder onto the Python package's name.
"""

import argparse
import subprocess
import sys
import venv
from pathlib import Path

PROTO = Path(__file__).resolve().parent
COMPILER = "grpcio-tools==1.66.2"
# grpcio-tools 1.66 reads its own files through pkg_resources, which newer setuptools dropped.
COMPILER_NEEDS = [COMPILER, "protobuf==5.29.6", "setuptools<81"]
ENVIRONMENT = PROTO.parent / ".venv-stubs"


class CompilerUnavailable(RuntimeError):
    """The compiler's environment could not be made; mostly because there is no package index."""


def compiler_python(environment: Path = ENVIRONMENT) -> Path:
    """Return the Python that has the pinned compiler, after making its environment if needed."""
    python = environment / "bin" / "python"
    stamp = environment / "compiler.txt"
    wanted = "\n".join(COMPILER_NEEDS)
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    venv.create(environment, with_pip=True, clear=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, *COMPILER_NEEDS], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CompilerUnavailable(f"pip could not install {COMPILER}:\n{done.stderr.strip()}")
    stamp.write_text(wanted)
    return python


def generate(out: Path = PROTO) -> list[Path]:
    """Write the stubs under `out/sqlstrict_proto/v1` and return their paths."""
    command = [str(compiler_python()), "-m", "grpc_tools.protoc"]
    command += ["-I", f"sqlstrict_proto/v1={PROTO / 'sqlstrict' / 'v1'}"]
    command += [f"--{kind}={out}" for kind in ("python_out", "pyi_out", "grpc_python_out")]
    subprocess.run([*command, "sqlstrict_proto/v1/sqlstrict.proto"], check=True)
    folder = out / "sqlstrict_proto" / "v1"
    return sorted(folder.glob("sqlstrict_pb2*"))


def main() -> int:
    """Parse the command line, generate, and name the files that were written."""
    parser = argparse.ArgumentParser(description="Write the stubs of the contract again.")
    parser.add_argument("--out", type=Path, default=PROTO, help="default: %(default)s")
    arguments = parser.parse_args()
    try:
        written = generate(arguments.out)
    except CompilerUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
