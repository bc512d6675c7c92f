"""Tabulate what was chosen for each model, from what, and whether a better value may lie beyond."""

from collections.abc import Iterator, Sequence
from typing import Any

from ncf_assets.report.data import Choice, model_name
from ncf_assets.report.text_table import TextTable

HEADS = ("Model", "Setting", "Chosen", "Of", "Tried for the model", "At the edge")


def choice_table(choices: Sequence[Choice]) -> TextTable:
    """Return a row for each setting that was searched, in the order of the models."""
    rows = [row for choice in choices for row in _rows(choice)]
    return TextTable(HEADS, rows, names=4)


def _rows(choice: Choice) -> Iterator[tuple[str, ...]]:
    for name, listed in choice.space.items():
        edge = "yes" if name in choice.at_edge else ""
        yield (
            model_name(choice.model),
            name,
            _shown(name, choice.chosen[name]),
            _values(name, listed),
            f"{choice.n_tried:,}",
            edge,
        )


def _values(name: str, listed: Sequence[Any]) -> str:
    """Return the values to choose from; those of many, as epochs have, by their ends."""
    if len(listed) > 10:
        return f"{_shown(name, listed[0])} to {_shown(name, listed[-1])}"
    return ", ".join(_shown(name, value) for value in listed)


def _shown(name: str, value: Any) -> str:
    return "none" if name == "half_life" and not value else f"{value:g}"


def edges(choices: Sequence[Choice]) -> list[str]:
    """Return a caveat for each choice at the end of its values."""
    return [
        f"{model_name(choice.model)}'s {name}, {_shown(name, choice.chosen[name])}, is the end of"
        f" what could be chosen ({_values(name, choice.space[name])}): a better value may lie"
        " beyond."
        for choice in choices
        for name in choice.at_edge
    ]
