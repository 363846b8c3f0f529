"""The heads of real files: what is read agrees with the gguf library, whatever the quantization."""

from pathlib import Path
from types import ModuleType

import gguf
import pytest
from sqlstrict_convert.gguf_format.header import GgufError, read_header
from sqlstrict_convert.gguf_format.types import FILE_TYPES, TENSOR_TYPES
from sqlstrict_convert.quantize.quantize import QUANTIZATIONS


def test_the_tables_are_those_of_the_library() -> None:
    known = {
        int(kind): (kind.name, *gguf.GGML_QUANT_SIZES[kind])
        for kind in gguf.GGMLQuantizationType
        if kind.name != "Q8_1"  # the library gives it the size that ggml gave it before 2024
    }
    assert {number: row for number, row in TENSOR_TYPES.items() if row[0] != "Q8_1"} == known
    assert all(FILE_TYPES[number] == name for name, number in QUANTIZATIONS.items())


@pytest.mark.parametrize("quantization", ["F32", "F16", *QUANTIZATIONS])
def test_a_model_of_each_quantization(
    make_model: ModuleType, tmp_path_factory: pytest.TempPathFactory, quantization: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "gguf_header"
    path = make_model.make_model("tiny", folder / f"{quantization}.gguf", quantize=quantization)
    header, reader = read_header(path), gguf.GGUFReader(path)
    assert header.quantization == quantization
    assert header.data_offset == reader.data_offset
    assert [(t.name, t.shape, t.start, t.size_bytes) for t in header.tensors] == [
        (t.name, tuple(map(int, t.shape)), t.data_offset, t.n_bytes) for t in reader.tensors
    ]
    for name, field in reader.fields.items():
        if not name.startswith("GGUF."):
            value = header.metadata[name]
            assert (list(value) if isinstance(value, tuple) else value) == field.contents(), name


def test_a_model_without_its_last_byte(tiny_gguf: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    end = max(t.start + t.size_bytes for t in read_header(tiny_gguf).tensors)
    cut.write_bytes(tiny_gguf.read_bytes()[: end - 1])
    with pytest.raises(GgufError, match="cut off: tensor .* ends at byte"):
        read_header(cut)
