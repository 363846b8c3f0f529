"""What is known of a conversion -> the keys of its GGUF file, and back; and a report for people.

Written by `checkpoint_conversion`, read by `verification` and by whoever shows a model. Decides
names of keys and words, computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlstrict_convert.gguf_format.edit import Value
from sqlstrict_convert.gguf_format.metadata import (
    DEFAULT_RENDERING,
    LICENSE_KEY,
    REVISION_KEY,
    SCHEMA_RENDERING_KEY,
    SOURCE_KEY,
)
from sqlstrict_convert.quality.comparison import Figures

QUANTIZATION_KEY = "sqlstrict.quantization"
IMPORTANCE_KEY = "sqlstrict.importance_matrix"
INPUTS_KEY = "sqlstrict.inputs"  # list of "SHA256  NAME", as sha256sum prints it
FORM_KEY = "sqlstrict.form"  # of the checkpoint, in words
CONVERTER_KEY = "sqlstrict.converter"
_COMPARISON = "sqlstrict.comparison."


@dataclass(frozen=True, slots=True)
class Report:
    """How a model was made and how it compares; None where the file is silent."""

    quantization: str | None
    has_importance_matrix: bool
    source: str | None
    revision: str | None
    license: str | None
    rendering: str
    form: str | None
    inputs: tuple[str, ...]
    figures: Figures | None

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON knows it."""
        return asdict(self)


def report_keys(
    quantization: str,
    *,
    has_importance_matrix: bool,
    inputs: list[str],
    form: str,
    figures: Figures | None,
    converter: str,
) -> dict[str, Value]:
    """Return what of a conversion is not in its file yet, by key."""
    keys: dict[str, Value] = {
        CONVERTER_KEY: converter,
        QUANTIZATION_KEY: quantization,
        IMPORTANCE_KEY: has_importance_matrix,
        INPUTS_KEY: inputs,
        FORM_KEY: form,
    }
    if figures is not None:
        keys |= {_COMPARISON + name: value for name, value in asdict(figures).items()}
    return keys


def read_report(metadata: Mapping[str, Any]) -> Report:
    """Return what a file's metadata says; a value of another kind than ours counts as none."""

    def text(key: str) -> str | None:
        value = metadata.get(key)
        return value if isinstance(value, str) else None

    inputs = metadata.get(INPUTS_KEY)
    return Report(
        quantization=text(QUANTIZATION_KEY),
        has_importance_matrix=metadata.get(IMPORTANCE_KEY) is True,
        source=text(SOURCE_KEY),
        revision=text(REVISION_KEY),
        license=text(LICENSE_KEY),
        rendering=text(SCHEMA_RENDERING_KEY) or DEFAULT_RENDERING,
        form=text(FORM_KEY),
        inputs=inputs if isinstance(inputs, tuple) else (),
        figures=_read_figures(metadata),
    )


def report_lines(report: Report) -> list[str]:
    """Return the report as a few lines for people."""
    made = [report.quantization or "unknown quantization"]
    if report.quantization is not None:
        made.append(f"{'with' if report.has_importance_matrix else 'no'} importance matrix")
    made.append(f"schemas as {report.rendering}")
    lines = [", ".join(made)]
    if report.source is not None:
        at = f"@{report.revision}" if report.revision else ""
        lines.append(f"from {report.source}{at}, licence {report.license or 'not said'}")
    found = report.figures
    if found is None:
        lines.append("not compared with its unquantized form")
        return lines
    lines += [
        f"against F16 on {found.n_prompts} held-back prompts, {found.n_tokens} tokens:",
        f"  perplexity {found.perplexity:.4g} (F16 {found.unquantized_perplexity:.4g}), "
        f"KL divergence mean {found.divergence_mean:.2g}, 99 % below {found.divergence_p99:.2g}",
        f"  same likeliest token {found.agreement:.1%}, same statement {found.same_statements:.0%}",
    ]
    return lines


def _read_figures(metadata: Mapping[str, Any]) -> Figures | None:
    values: dict[str, Any] = {}
    for field in fields(Figures):
        value = metadata.get(_COMPARISON + field.name)
        is_count = field.name.startswith("n_")
        if isinstance(value, bool) or not isinstance(value, int if is_count else float):
            return None
        values[field.name] = value
    return Figures(**values)
