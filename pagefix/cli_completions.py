"""The command that prints what a shell completes: commands, options, values, rules, files.

Nothing is run while someone types: the names of the rules are in the text.

Floor 7, beside :mod:`pagefix.cli`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from pagefix.cli_describe import Command, Option, commands, top
from pagefix.errors import ExitCode

__all__ = ["run", "script"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    from pagefix.rulebook import load_rules

    print(script(options.shell, [rule.name for rule in load_rules(optional=True)]), end="")
    return ExitCode.CLEAN


def script(shell: str, rules: Sequence[str]) -> str:
    """Return the completions for a shell.

    :param rules: the names of the rules.
    """
    lines = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands(), rules)
    return "".join(f"{line}\n" for line in lines)


# --- bash


def _bash(known: Sequence[Command], rules: Sequence[str]) -> Iterator[str]:
    yield "# Completions of pagefix for bash, made by `pagefix completions bash`."
    yield f"_pagefix_rules='{' '.join(rules)}'"
    yield "_pagefix() {"
    yield "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= at"
    yield "    COMPREPLY=()"
    # bash takes --option=value apart.
    yield "    [[ $cur == = ]] && cur="
    yield "    [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD-2]}"
    yield "    for ((at = 1; at < COMP_CWORD; at++)); do"
    yield "        case ${COMP_WORDS[at]} in -*) ;; *) command=${COMP_WORDS[at]}; break ;; esac"
    yield "    done"
    yield "    case $command:$prev in"
    for one in known:
        for option in one.options:
            if option.takes:
                for name in option.names:
                    yield f"    {one.name}:{name}) {_bash_values(option)}; return ;;"
    yield "    esac"
    yield "    case $command:$cur in"
    yield f"    :-*) {_bash_words(_names(top().options))} ;;"
    yield f"    :*) {_bash_words([one.name for one in known])} ;;"
    for one in known:
        yield f"    {one.name}:-*) {_bash_words(_names(one.options))} ;;"
        for argument in one.arguments:
            yield f"    {one.name}:*) {_bash_values(argument)} ;;"
            break
    yield "    esac"
    yield "}"
    yield "complete -o filenames -o bashdefault -F _pagefix pagefix"


def _bash_values(option: Option) -> str:
    if option.choices:
        return _bash_words(option.choices)
    rules = 'compgen -W "$_pagefix_rules" -- "$cur"'
    ways = {
        "file": 'compgen -f -- "$cur"',
        "folder": 'compgen -d -- "$cur"',
        # What is explained may be a place too.
        "rule": rules if option.names else f'{rules}; compgen -f -- "$cur"',
    }
    return f"mapfile -t COMPREPLY < <({ways[option.wants]})" if option.wants else ":"


def _bash_words(words: Sequence[str]) -> str:
    return f"""mapfile -t COMPREPLY < <(compgen -W '{" ".join(words)}' -- "$cur")"""


def _names(options: Sequence[Option]) -> list[str]:
    return [name for option in options for name in option.names if name.startswith("--")]


# --- zsh


def _zsh(known: Sequence[Command], rules: Sequence[str]) -> Iterator[str]:
    yield "#compdef pagefix"
    yield "# Completions of pagefix for zsh, made by `pagefix completions zsh`."
    yield "_pagefix() {"
    yield "  local context state state_descr line"
    yield "  typeset -A opt_args"
    yield f"  local -a rules=({' '.join(rules)})"
    yield "  local -a commands=("
    for one in known:
        yield f"    {_zsh_quoted(one.name + ':' + one.help)}"
    yield "  )"
    yield "  _arguments -C \\"
    for option in top().options:
        yield f"    {_zsh_option(option)} \\"
    yield "    '1:command:->command' '*::argument:->arguments'"
    yield "  case $state in"
    yield "  command) _describe -t commands command commands ;;"
    yield "  arguments)"
    yield "    case $words[1] in"
    for one in known:
        parts = [_zsh_option(each) for each in one.options]
        last = len(one.arguments)
        parts += [
            _zsh_argument(each, number if number < last else None)
            for number, each in enumerate(one.arguments, 1)
        ]
        yield f"    {one.name})"
        yield "      _arguments \\"
        for part in parts[:-1]:
            yield f"        {part} \\"
        yield f"        {parts[-1]} ;;"
    yield "    esac ;;"
    yield "  esac"
    yield "}"
    # As a file of $fpath it is the function's body; read with `source` it defines it.
    yield 'if [ "$funcstack[1]" = "_pagefix" ]; then _pagefix "$@"; else compdef _pagefix pagefix; fi'


def _zsh_option(option: Option) -> str:
    name = option.names[-1] if len(option.names) == 1 else ""
    help_ = option.help.replace("[", "(").replace("]", ")").replace(":", "\\:")
    end = f":{option.takes}:{_zsh_values(option)}" if option.takes else ""
    if name:
        # With the sign the value may be a word of its own, or stand behind it.
        sign = "=" if option.takes else ""
        return _zsh_quoted(f"{'*' if option.repeated else ''}{name}{sign}[{help_}]{end}")
    names = ",".join(option.names)
    return f"'({' '.join(option.names)})'{{{names}}}{_zsh_quoted(f'[{help_}]{end}')}"


def _zsh_argument(option: Option, number: int | None) -> str:
    # zsh takes but one that stands for all the rest.
    return _zsh_quoted(f"{number or '*'}:{option.takes.replace(':', ' ')}:{_zsh_values(option)}")


def _zsh_values(option: Option) -> str:
    if option.choices:
        return f"({' '.join(option.choices)})"
    if option.wants == "rule":
        return "{compadd -a rules; _files}" if not option.names else "{compadd -a rules}"
    return {"file": "_files", "folder": "_files -/"}.get(option.wants, " ")


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# --- fish


def _fish(known: Sequence[Command], rules: Sequence[str]) -> Iterator[str]:
    names = " ".join(one.name for one in known)
    yield "# Completions of pagefix for fish, made by `pagefix completions fish`."
    yield f"set -l rules {' '.join(rules)}"
    yield "complete -c pagefix -f"
    none = f'-n "not __fish_seen_subcommand_from {names}"'
    for option in top().options:
        yield f"complete -c pagefix {none} {_fish_option(option)}"
    for one in known:
        yield f"complete -c pagefix {none} -a {one.name} -d {_fish_quoted(one.help)}"
    for one in known:
        here = f'-n "__fish_seen_subcommand_from {one.name}"'
        for option in one.options:
            yield f"complete -c pagefix {here} {_fish_option(option)}"
        for argument in one.arguments:
            if argument.choices:
                yield f"complete -c pagefix {here} -a '{' '.join(argument.choices)}'"
            elif argument.wants == "rule":
                yield f'complete -c pagefix {here} -F -a "$rules"'
            else:
                yield f"complete -c pagefix {here} -F"


def _fish_option(option: Option) -> str:
    parts = [
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
    ]
    if option.choices:
        parts.append(f"-x -a '{' '.join(option.choices)}'")
    elif option.wants == "rule":
        parts.append('-x -a "$rules"')
    elif option.wants == "file":
        parts.append("-r -F")
    elif option.wants == "folder":
        parts.append("-x -a '(__fish_complete_directories)'")
    elif option.takes:
        parts.append("-x")
    return " ".join([*parts, "-d", _fish_quoted(option.help)])


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
