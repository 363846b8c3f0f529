"""`sqlstrict completion SHELL`: the command line's own parser to a script that completes it.

The script holds every command, option and choice, so completing starts no Python and asks no
daemon. An argument that is no choice is completed as a file, for most are one.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlstrict.cli.console import Console
from sqlstrict.cli.exits import Exit
from sqlstrict.cli.programs import PROGRAMS

SHELLS = ("bash", "zsh", "fish")


def add_parser(commands: Any, whole: Callable[[], argparse.ArgumentParser]) -> None:
    """Describe the command to argparse; `whole` makes the parser that the script is written of."""
    parser = commands.add_parser(
        "completion",
        help="write a script that completes this command in a shell",
        description='Write a script that completes this command in a shell. bash: eval "$(sqlstrict'
        ' completion bash)" in ~/.bashrc; zsh: the same in ~/.zshrc, after compinit; fish:'
        " sqlstrict completion fish > ~/.config/fish/completions/sqlstrict.fish",
        allow_abbrev=False,
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    parser.set_defaults(run=functools.partial(run, whole), parser=parser, json=False, debug=False)


def run(
    whole: Callable[[], argparse.ArgumentParser], arguments: argparse.Namespace, console: Console
) -> Exit:
    """Write the script of one shell."""
    places = list(_places(whole(), ""))
    writers = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    console.result(writers[arguments.shell](places).rstrip())
    return Exit.ANSWER


@dataclass(frozen=True)
class _Option:
    """How an option may be spelt, what it is for, whether a value follows and which ones may."""

    names: tuple[str, ...]
    help: str
    takes_value: bool
    choices: tuple[str, ...]


@dataclass(frozen=True)
class _Place:
    """Where a command line may stand: the words up to there, each after a blank."""

    words: str
    commands: Mapping[str, str]  # with their help
    choices: tuple[str, ...]  # of its arguments
    options: tuple[_Option, ...]

    @property
    def candidates(self) -> tuple[str, ...]:
        """What may follow, options included."""
        names = (name for option in self.options for name in option.names)
        return (*self.commands, *self.choices, *names)


def _places(parser: argparse.ArgumentParser, words: str) -> Iterator[_Place]:
    commands: dict[str, str] = {}
    choices: list[str] = []
    options = []
    below: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            below = dict(action.choices)
            commands = dict.fromkeys(below, "")
            commands |= {one.dest: one.help or "" for one in action._choices_actions}
        elif not action.option_strings:
            choices += [str(choice) for choice in action.choices or ()]
        elif action.help != argparse.SUPPRESS:
            taken = tuple(str(choice) for choice in action.choices or ())
            help_ = (action.help or "").replace("%%", "%")
            takes_value = action.nargs != 0
            options.append(_Option(tuple(action.option_strings), help_, takes_value, taken))
    for act in PROGRAMS[words[1:]].acts if words[1:] in PROGRAMS else ():
        commands.setdefault(act, "")
    yield _Place(words, commands, tuple(choices), tuple(options))
    for name, one in below.items():
        yield from _places(one, f"{words} {name}")


def _either(texts: list[str]) -> str:
    return "|".join(f'"{text}"' for text in texts)


def _cases(places: list[_Place], opening: str, result: str) -> list[str]:
    """Write the cases of bash and zsh: which words lead on, what follows an option, and a place."""
    deeper = [f"{place.words} {name}" for place in places for name in place.commands]
    lines = [
        f'    case "$at $word" in {opening}{_either(deeper)}) at="$at $word" ;; esac',
        "  done",
    ]
    lines.append('  case "$at $previous" in')
    for place in places:
        for option in place.options:
            if option.takes_value:
                spelt = _either([f"{place.words} {name}" for name in option.names])
                lines.append(
                    f"    {opening}{spelt}) {result.format(' '.join(option.choices))}; return ;;"
                )
    lines += ["  esac", '  case "$at" in']
    for place in places:
        lines.append(
            f'    {opening}"{place.words}") {result.format(" ".join(place.candidates))} ;;'
        )
    return [*lines, "  esac"]


def _bash(places: list[_Place]) -> str:
    take = 'COMPREPLY=($(compgen -W "{}" -- "$current"))'
    head = [
        "_sqlstrict() {",
        '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
        '  local at="" word',
        "  COMPREPLY=()",
        '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    ]
    # Where nothing fits, files are offered.
    tail = ["}", "complete -o default -F _sqlstrict sqlstrict", ""]
    return "\n".join([*head, *_cases(places, "", take), *tail])


def _zsh(places: list[_Place]) -> str:
    head = [
        "#compdef sqlstrict",
        "_sqlstrict() {",
        '  local at="" word previous="${words[CURRENT-1]}"',
        '  for word in "${(@)words[2,CURRENT-1]}"; do',
    ]
    tail = ["  [[ ${words[CURRENT]} == -* ]] || _files", "}", "compdef _sqlstrict sqlstrict", ""]
    # compadd of nothing offers nothing; then, and beside it, files.
    return "\n".join([*head, *_cases(places, "(", "compadd -- {}"), *tail]).replace(
        "compadd -- ; return", "_files; return"
    )


def _fish(places: list[_Place]) -> str:
    deeper = " ".join(f"'{place.words} {name}'" for place in places for name in place.commands)
    lines = [
        "function __sqlstrict_at",
        "  set -l at ''",
        "  for word in (commandline -opc)[2..-1]",
        '    switch "$at $word"',
        f"      case {deeper}",
        '        set at "$at $word"',
        "    end",
        "  end",
        '  test "$at" = "$argv[1]"',
        "end",
    ]
    for place in places:
        start = f"complete -c sqlstrict -n \"__sqlstrict_at '{place.words}'\""
        for name, text in place.commands.items():
            lines.append(f"{start} -f -a {name} -d {_fish_text(text)}")
        if place.choices:
            lines.append(f"{start} -f -a {_fish_text(' '.join(place.choices))}")
        for option in place.options:
            names = " ".join(
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
                for name in option.names
            )
            values = f" -x -a {_fish_text(' '.join(option.choices))}" if option.choices else ""
            more = values or (" -r" if option.takes_value else "")
            lines.append(f"{start} {names}{more} -d {_fish_text(option.help)}")
    return "\n".join([*lines, ""])


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
