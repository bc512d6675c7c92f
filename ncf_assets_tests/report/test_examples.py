"""Some users: their history, what each model would have shown, and the held-out item marked."""

from ncf_assets.report import Example, ExampleItem, render
from ncf_assets.report.examples import example_views
from ncf_assets_tests.report.drawn import UNDRAWN


def items(letters: str, title: str | None = None) -> list[ExampleItem]:
    """Return an item for each letter, on days from the first of May on."""
    days = enumerate(letters, start=1)
    return [ExampleItem(letter, title, f"2014-05-{day:02}") for day, letter in days]


def example(history: str, held_out: str, **lists: str) -> Example:
    """Return a user with a history, some of which was held out, and lists by model."""
    shown = {model: items(of) for model, of in lists.items()}
    return Example("ann", items(history), list(held_out), shown)


def test_the_held_out_item_is_marked_in_the_history_and_in_each_list() -> None:
    """A list without it has no mark, and one that is too short is filled up."""
    (view,) = example_views([example("abc", "c", ease="xcy", popularity="pqrst")], ["ease"])
    assert view.summary == "3 items"
    assert [row[1] for row in view.history.rows] == ["a", "b", "★ c"]
    assert list(view.lists.rows) == [
        ("EASE", "x", "★ c", "y", "–", "–"),
        ("Popularity", "p", "q", "r", "s", "t"),
    ]


def test_held_out_items_may_be_several_and_need_not_be_the_last() -> None:
    """As under a time split, which may test the first item after the cut, or all of them."""
    (first,) = example_views([example("abcd", "b", ease="dbx")], [])
    assert [row[1] for row in first.history.rows] == ["a", "★ b", "c", "d"]
    assert first.lists.rows[0][:4] == ("EASE", "d", "★ b", "x")
    (several,) = example_views([example("abcd", "bd", ease="dbx")], [])
    assert [row[1] for row in several.history.rows] == ["a", "★ b", "c", "★ d"]
    assert several.lists.rows[0][:4] == ("EASE", "★ d", "★ b", "x")


def test_a_long_history_is_cut_to_its_latest_items_and_says_so() -> None:
    """Nine items, of which eight are shown; lists have five of their items."""
    (view,) = example_views([example("abcdefghi", "i", neumf="uvwxyz")], [])
    assert view.summary == "9 items, of which the latest 8"
    assert [row[1] for row in view.history.rows] == [*"bcdefgh", "★ i"]
    assert view.history.rows[0][0] == "2014-05-02"
    assert view.lists.rows[0] == ("NeuMF", *"uvwxy")


def test_models_come_in_the_order_of_their_figures() -> None:
    """Those without a figure come last, by name."""
    drawn = example("ab", "b", gmf="c", ease="c", neumf="c", blend="c")
    (view,) = example_views([drawn], ["neumf", "gmf"])
    assert [row[0] for row in view.lists.rows] == ["NeuMF", "GMF", "Blend", "EASE"]


def test_titles_stand_in_place_of_ids_and_long_ones_are_cut() -> None:
    """At 60 characters, with what was cut named by an ellipsis."""
    history = [ExampleItem("a", "A flat cap", "2014-05-01"), ExampleItem("b", "x" * 70, "")]
    (view,) = example_views([Example("ann", history, ["b"], {})], [])
    assert view.history.rows[0][1] == "A flat cap"
    assert view.history.rows[1][1] == f"★ {'x' * 59}…"


def test_the_page_shows_them_without_letting_a_title_mark_up() -> None:
    """In HTML and Markdown, in the contents, and in the JSON; a report of none has no section."""
    rendered = render(UNDRAWN)
    assert '<a href="#users">Some users</a>' in rendered.html
    assert "&lt;b&gt;Strings &amp; picks&lt;/b&gt;" in rendered.html
    assert "| 2014-05-02 | ★ &lt;b&gt;Strings &amp; picks&lt;/b&gt; |" in rendered.markdown
    assert rendered.json["examples"][0]["user"] == "A1_B"
    assert "script" not in rendered.html.lower()
