"""Show some users: what they had, what each model would have shown them, and what came next."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ncf_assets.report.data import Example, ExampleItem, model_name
from ncf_assets.report.text_table import MISSING, TextTable

HISTORY = 8  # latest items that are shown of a user; chosen
LIST = 5  # first items that are shown of a list; chosen: what a narrow page holds
LONGEST = 60  # characters of a title
FOUND = "★ "  # before a held-out item
NOTE = (
    "Test users, drawn by a seed. Their latest items, and the first items that each model would "
    "have shown before the test. ★ marks what was held out for the test, in both."
)


@dataclass(frozen=True)
class ExampleView:
    """What is shown of one user: their id, a sentence on their history, history, and lists."""

    user: str
    summary: str
    history: TextTable
    lists: TextTable


def example_views(examples: Sequence[Example], order: Sequence[str]) -> list[ExampleView]:
    """Return what is shown of each user; models come in the order of `order`, others after them."""
    return [_view(example, order) for example in examples]


def _view(example: Example, order: Sequence[str]) -> ExampleView:
    latest = example.history[-HISTORY:]
    n, shown = len(example.history), len(latest)
    summary = f"{n:,} items" if n == shown else f"{n:,} items, of which the latest {shown}"
    history = [
        (one.day, _marked(one, example.held_out)) for one in latest
    ]  # the latest last, as they came
    known = {model: place for place, model in enumerate(order)}
    models = sorted(example.lists, key=lambda model: (known.get(model, len(known)), model))
    lists = [
        (model_name(model), *_cells(example.lists[model][:LIST], example.held_out))
        for model in models
    ]
    places = [str(place) for place in range(1, LIST + 1)]
    return ExampleView(
        example.user,
        summary,
        TextTable(("Date", "Item"), history, names=2),
        TextTable(("Model", *places), lists, names=LIST + 1),
    )


def _cells(items: Sequence[ExampleItem], held_out: Collection[str]) -> list[str]:
    cells = [_marked(one, held_out) for one in items]
    return cells + [MISSING] * (LIST - len(cells))


def _marked(one: ExampleItem, held_out: Collection[str]) -> str:
    """Return the name of an item, marked if it was held out."""
    return FOUND * (one.item in held_out) + _name(one)


def _name(one: ExampleItem) -> str:
    """Return the title of an item, cut where it is long; its id where it has none."""
    name = one.title or one.item
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1].rstrip()}…"
