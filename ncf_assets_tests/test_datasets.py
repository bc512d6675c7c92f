"""The registry: what it reads, and one message for each rule that it can break."""

import tempfile
from datetime import date
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.datasets import Dataset, RegistryError, load, local_file, read

REGISTRY = Path(__file__).parents[1] / "data" / "datasets.toml"
GOOD = '[A]\nformat = "amazon-2014"\nurl = "https://x.org/a.json.gz"\n'
CUT = GOOD + 'split = "time_split"\n'
TABLE = GOOD.replace("amazon-2014", "table")
MAPPED = TABLE + 'columns = {user = "u", item = "i", timestamp = "t"}\n'


def _write(folder: Path, text: str) -> Path:
    path = folder / "datasets.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_registry_has_the_sample_and_24_categories() -> None:
    """The 24 categories have the names of SNAP's page, and the bundled sample comes first."""
    datasets = load(REGISTRY)
    assert next(iter(datasets)) == "Sample"
    categories = [found for found in datasets.values() if found.url]
    assert len(categories) >= 24
    books = datasets["Books"]
    assert books.file_name == "reviews_Books_5.json.gz"
    assert books.expected_reviews == 8_898_041
    assert all(found.expected_reviews for found in categories)


def test_the_shipped_sample_is_where_the_registry_says() -> None:
    """Its path is relative to the registry's folder."""
    path = load(REGISTRY)["Sample"].path
    assert path is not None
    assert (REGISTRY.parent / path).is_file()


def test_every_key_of_a_block_arrives(tmp_path: Path) -> None:
    """The block has all keys at once, for the format that needs most of them."""
    registry = _write(
        tmp_path,
        '[My_1]\nformat = "table"\ntitle = "Mine"\nurl = "http://x.org/a.csv"\n'
        'path = "b/c.csv"\ncolumns = {user = "u", item = "i", timestamp = "t"}\n'
        'separator = "::"\nquote = ""\ntimestamp_unit = "seconds"\nquery = "from c"\n'
        'split = "time_split"\ncut = 2014-01-01\ntargets = "last"\n'
        f'expected_reviews = 3\nsynthetic = true\nnote = "by hand"\nsha256 = "{"0af" * 21}1"\n',
    )
    assert load(registry) == {
        "My_1": Dataset(
            name="My_1",
            title="Mine",
            format="table",
            url="http://x.org/a.csv",
            path="b/c.csv",
            columns={"user": "u", "item": "i", "timestamp": "t"},
            separator="::",
            quote="",
            timestamp_unit="seconds",
            query="from c",
            split="time_split",
            cut=date(2014, 1, 1),
            targets="last",
            expected_reviews=3,
            sha256="0af" * 21 + "1",
            synthetic=True,
            note="by hand",
        )
    }


def test_what_is_held_out_is_told_as_json(tmp_path: Path) -> None:
    """The provenance of split_rule has it, so that `status` sees a changed block."""
    text = "".join(
        CUT.replace("[A]", f"[{name}]") + more
        for name, more in (("B", ""), ("C", 'cut = 2014-01-01\ntargets = "first"\n'))
    )
    found = load(_write(tmp_path, GOOD + text))
    assert [dataset.splitting for dataset in found.values()] == [
        {"split": "leave_one_out"},
        {"split": "time_split", "cut": 0.9, "targets": "all"},
        {"split": "time_split", "cut": "2014-01-01", "targets": "first"},
    ]


def test_only_the_sample_is_synthetic() -> None:
    """Everything else in the shipped registry was written by people."""
    assert [name for name, dataset in load(REGISTRY).items() if dataset.synthetic] == ["Sample"]


def test_a_title_defaults_to_the_name_in_words(tmp_path: Path) -> None:
    """Underscores become spaces."""
    assert load(_write(tmp_path, GOOD.replace("[A]", "[Big_Books]")))["Big_Books"].title == (
        "Big Books"
    )


@pytest.mark.parametrize(
    ("url", "path", "name"),
    [
        ("https://x.org/a/b.json.gz?token=1#top", None, "b.json.gz"),  # no query, no fragment
        ("https://x.org/a%20b.json", None, "a b.json"),  # unquoted
        ("https://x.org/u.gz", "raw/p.gz", "u.gz"),  # the URL's name comes first
        (None, "raw/p.gz", "p.gz"),
    ],
)
def test_the_file_name_is_the_last_part(url: str | None, path: str | None, name: str) -> None:
    """It is what the file is called under data/raw."""
    assert Dataset("A", "A", "amazon-2014", url=url, path=path).file_name == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no dataset. Add a block"),
        ("[A", "must be TOML in UTF-8, found: "),
        (GOOD + GOOD, "must be TOML in UTF-8, found: "),  # the same block twice
        ("A = 3", "[A]: the entry must be a block, found a single value. Write [A]"),
        ("[[A]]", "[A]: the entry must be a block"),
        (GOOD.replace("[A]", '["A-B"]'), "[A-B]: a name has letters, digits and _ only"),
        (GOOD.replace("[A]", '["Ä"]'), "[Ä]: a name has letters, digits and _ only"),
        (GOOD + 'colour = "red"', "[A]: the key `colour` is unknown. There are: format, title"),
        (GOOD + 'colums = ["a"]', "the key `colums` is unknown. Did you mean columns? Correct it"),
        (GOOD + "title = 3", "[A]: `title` must be text, found 3"),
        (GOOD + "expected_reviews = true", "`expected_reviews` must be a whole number, found True"),
        (GOOD + "synthetic = 1", "[A]: `synthetic` must be true or false, found 1. Correct it."),
        (GOOD + "synthetic = 'no'", "[A]: `synthetic` must be true or false, found 'no'"),
        (GOOD + "expected_reviews = 0", "`expected_reviews` must be 1 or more, found 0"),
        (GOOD.replace("amazon-2014", "amazon"), "`format` must be one of amazon-2014, amazon-2018"),
        (GOOD + f"sha256 = '{'0' * 63}'", "`sha256` must be 64 hexadecimal digits in lower case"),
        (GOOD + f"sha256 = '{'A' * 64}'", "AAA'. `sha256sum FILE` prints them."),
        (GOOD.replace("[A]", f"[{'A' * 101}]"), "a name has 100 characters at most, found 101"),
        (GOOD.replace("a.json.gz", ".hidden"), "printable, not hidden and of 100 bytes at most"),
        (GOOD.replace("a.json", "a%0A"), "found 'a\\n.gz'. Give `path` and put the file there."),
        (GOOD.replace("a.json", "%C3%A4" * 49), "of 100 bytes at most, found 'ää"),  # 98 + 3
        ('[A]\nurl = "https://x.org/a"', "`format` must be one of"),
        (
            '[A]\nformat = "amazon-2014"',
            "[A]: a block needs `url` or `path`, found neither. Add one.",
        ),
        (GOOD.replace("https", "ftp"), "`url` must start with http:// or https://, found 'ftp:"),
        (GOOD.replace("a.json.gz", ""), "must end with a file's name, found 'https://x.org/'"),
        (GOOD.replace("a.json.gz", "%2e%2e"), "must end with a file's name"),
        (
            GOOD + 'columns = ["user"]',
            "`columns` belongs to the format table, found it with amazon",
        ),
        (GOOD + 'quote = ""', "`quote` belongs to the format table, found it with amazon-2014."),
        (
            GOOD + "split = 'random'",
            "`split` must be one of leave_one_out, time_split, found 'rand",
        ),
        (GOOD + "cut = 0.8", "`cut` belongs to the split time_split. Remove it, or set `split = "),
        (GOOD + "targets = 'last'", "[A]: `targets` belongs to the split time_split. Remove it"),
        (CUT + "targets = 'some'", "`targets` must be one of first, last, all, found 'some'."),
        (CUT + "cut = 1.0", "a `cut` that is a share must lie between 0 and 1, found 1.0. Corr"),
        (
            CUT + "cut = '2014-01-01'",
            "`cut` must be a share such as 0.9, or a day such as 2014-01-",
        ),
        (CUT + "cut = 1", "`cut` must be a share such as 0.9, or a day such as 2014-01-01 without"),
        (TABLE, "a table needs `columns`, found None. Set columns = {user = "),
        (TABLE + "columns = [1, 2]", "a table needs `columns`, found [1, 2]. Set columns = {"),
        (
            TABLE + 'columns = ["user", "item", "rating", "rating"]',
            "`columns` must have rating once, found 2 in ['user', 'item', 'rating', 'rating'].",
        ),
        (TABLE + 'columns = {user = "u", item = "i"}', "must have timestamp once, found 0 in {"),
        (MAPPED.replace("}", ', stars = "s"}'), "names user, item, rating, timestamp, found stars"),
        (MAPPED + "separator = '12345'", "`separator` must have 1 to 4 characters, found '12345'"),
        (MAPPED + "quote = '\"\"'", "`quote` must be one character or none, found"),
        (MAPPED + "timestamp_unit = 's'", "`timestamp_unit` must be one of seconds, milliseconds,"),
        (
            TABLE + 'columns = ["user", "item", "timestamp"]\nquery = "from a"',
            "a query names its columns, found a list of columns. Set columns = {",
        ),
    ],
)
def test_a_broken_rule_is_named_with_file_and_remedy(
    tmp_path: Path, text: str, message: str
) -> None:
    """One case per rule; every message begins with the file and ends with a full stop."""
    registry = _write(tmp_path, text)
    with pytest.raises(RegistryError) as caught:
        load(registry)
    assert str(caught.value).startswith(str(registry))
    assert message in str(caught.value)
    assert str(caught.value).endswith(".")


def test_all_faults_of_a_block_are_told_at_once(tmp_path: Path) -> None:
    """A line each; what other rules say of a key comes once the keys themselves are right."""
    registry = _write(tmp_path, GOOD + "colums = ['a']\ntitle = 3\nsplit = 'random'")
    with pytest.raises(RegistryError) as caught:
        load(registry)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{registry}, [A]: the key `colums` is unknown")
    assert second == f"{registry}, [A]: `title` must be text, found 3. Correct it."
    _write(tmp_path, GOOD.replace("https", "ftp") + "quote = ''\nsplit = 'random'")
    with pytest.raises(RegistryError) as caught:
        load(registry)
    lines = str(caught.value).splitlines()
    assert [line.split("`")[1] for line in lines] == ["url", "split", "quote"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (GOOD.replace("[A]", "[a]"), "[a]: the name differs from [A] in case only"),
        (GOOD, "[A]: the registry has a dataset of this name. Rename this one."),
        (
            '[B]\nformat = "amazon-2014"\nurl = "https://y.org/a.json"\n',
            "[B]: the dataset would share data/raw/a.json with [A], whose url differs. Give one of",
        ),
        ('[B]\nformat = "amazon-1999"\n', "[B]: `format` must be one of"),
        ("[B", "must be TOML in UTF-8, found: "),
    ],
)
def test_a_wrong_block_of_the_users_own_leaves_the_others(
    tmp_path: Path, wrong: str, message: str
) -> None:
    """What is wrong is told with the file; other blocks of both files are datasets, in order."""
    registry = _write(tmp_path, GOOD)
    own = tmp_path / "datasets.local.toml"
    assert (local_file(registry), read(registry).faults) == (own, ())
    own.write_text(GOOD.replace("[A]", "[Mine]"))
    both = load(registry)
    assert {name: dataset.block for name, dataset in both.items()} == {
        "A": "[A] in datasets.toml",
        "Mine": "[Mine] in datasets.local.toml",
    }
    own.write_text(wrong)
    found = read(registry)
    assert list(found.datasets) == ["A"]
    (fault,) = found.faults
    assert fault.startswith(str(own))
    assert message in fault


LINES = (GOOD.replace("[A]", "[Mine]") + "# caf\u00e9\n").replace("\n", "\r\n")  # of Windows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_what_editors_of_windows_write_is_read(tmp_path: Path, encoding: str) -> None:
    """A byte order mark and other line ends, in both files."""
    registry = tmp_path / "datasets.toml"
    registry.write_bytes(LINES.replace("Mine", "A").encode(encoding))
    local_file(registry).write_bytes(LINES.encode(encoding))
    assert list(load(registry)) == ["A", "Mine"]


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),  # without a mark every other byte is 0
        ("latin-1", "the byte 0xe9 in line 4, as in Latin-1"),
    ],
)
def test_another_encoding_is_named(tmp_path: Path, encoding: str, found: str) -> None:
    """The message has the file and the remedy; datasets of the registry stay."""
    own = local_file(_write(tmp_path, GOOD))
    own.write_bytes(LINES.encode(encoding))
    registry = read(tmp_path / "datasets.toml")
    assert list(registry.datasets) == ["A"]
    assert registry.faults == (f"{own} must be text in UTF-8, found {found}. Save it as UTF-8.",)


def test_a_wrong_block_of_the_registry_leaves_the_others(tmp_path: Path) -> None:
    """In the file itself too."""
    found = read(_write(tmp_path, GOOD.replace("[A]", '["A-B"]') + GOOD))
    assert list(found.datasets) == ["A"]
    assert "[A-B]: a name has letters, digits and _ only" in found.faults[0]


@given(path=st.text(), query=st.text())
def test_no_url_leads_out_of_the_folder_of_raw_files(path: str, query: str) -> None:
    """Whatever the address is, its file is in data/raw itself, or the registry is refused."""
    url = f"https://x.org/{quote(path, safe='/%')}?{quote(query)}"
    with tempfile.TemporaryDirectory() as folder:
        registry = _write(Path(folder), f'[A]\nformat = "amazon-2014"\nurl = "{url}"\n')
        try:
            dataset = load(registry)["A"]
        except RegistryError:
            return
        raw = Path(folder, "raw")
        assert (raw / dataset.file_name).resolve().parent == raw.resolve()


def test_a_missing_registry_says_where_it_belongs(tmp_path: Path) -> None:
    """The remedy is the repository's own file."""
    with pytest.raises(RegistryError, match=r"does not exist\. Restore data/datasets\.toml"):
        load(tmp_path / "datasets.toml")


def test_two_blocks_may_share_one_url(tmp_path: Path) -> None:
    """The same file under two names is no contradiction."""
    assert list(load(_write(tmp_path, GOOD + GOOD.replace("[A]", "[B]")))) == ["A", "B"]
