"""`serve`, `convert` and `train` look for what their extras install, no more and no less."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from sqlstrict.cli.programs import PROGRAMS

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def required(extra: str) -> set[str]:
    """The distributions that an extra names, those of the extras in it included."""
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    found = set()
    for requirement in project["optional-dependencies"][extra]:
        inner = re.match(r"sqlstrict\[(\w+)\]", requirement)
        if inner:
            found |= required(inner[1])
        else:
            found.add(re.split(r"[<>=!~ ;\[]", requirement)[0].lower())
    return found


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_modules_looked_for_are_those_of_the_extra(name: str) -> None:
    program = PROGRAMS[name]
    distributions = packages_distributions()
    # What is not installed for the tests (torch, transformers) is called like its distribution.
    looked_for = {
        distribution.lower().replace("_", "-")
        for module in program.needs
        for distribution in distributions.get(module, [module])
    }
    assert looked_for == required(program.extra)
