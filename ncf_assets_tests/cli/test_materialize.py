"""`ncf-assets materialize`, and what reads its results: status, summary, sql, export."""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ncf_assets.cli.arguments import asset_names
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import in_terminal, ncf, run, spans, tiny_folder
from ncf_assets_tests.tiny import ROWS

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def data(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny data set, materialized by the command, with Dagster's history."""
    folder = tmp_path_factory.mktemp("data")
    shutil.copytree(made, folder, symlinks=True, dirs_exist_ok=True)
    Warehouse(folder).refresh_catalogue()  # the views named the files of the other folder
    return folder


def state(data: Path, asset: str) -> str:
    """What `status` says of one asset."""
    lines = ncf(data, "status", "Sample").stdout.splitlines()
    cells = [[cell.strip() for cell in line.split("│")] for line in lines if "│" in line]
    (found,) = [row[-2] for row in cells if row[1] == asset]
    return found


def test_progress_names_every_asset_with_its_rows(data: Path) -> None:
    """One line each, and the epochs of the networks."""
    progress = (data / "said.txt").read_text()
    for table, rows in ROWS.items():
        assert any(table in line and f"{rows:,} rows" in line for line in progress.splitlines())
    assert f"[{len(asset_names())}/{len(asset_names())}]" in progress
    assert "epoch 2 of 2: loss" in progress
    assert re.search(r"choose, (stopped early after epoch \d, )?epoch \d kept\n", progress)
    epochs = [line for line in progress.splitlines() if re.search(r", epoch \d+ of", line)]
    assert max(map(len, epochs)) <= 80
    assert f"{' ' * 11}gmf_model is running\n" in progress  # which takes more than a second


def test_a_run_ends_with_what_was_found_and_what_to_run_next(data: Path) -> None:
    """The report's first sentence, its path, and commands."""
    found = Warehouse(data).record("evaluation_report", "Sample")["findings"][0]
    *_, said, report, after = (data / "said.txt").read_text().splitlines()
    assert said == found
    assert report.startswith("report: ")
    assert report.endswith("/reports/dataset=Sample/report.html")
    assert after == "next: ncf-assets show Sample, ncf-assets sql, make ui"


def test_a_terminal_has_a_bar_that_names_the_running_step(tmp_path: Path) -> None:
    """With its time so far, below the lines of what is made; nothing of it stays."""
    words = ["materialize", "Sample", "--select", "raw_reviews"]
    code, text = in_terminal(tiny_folder(tmp_path), *words)
    assert code == 0, text
    assert re.search(r"0/2 .* reviews .*0:00:0\d", text)
    assert "[ 1/2]    raw_reviews" in text
    assert text.rstrip().splitlines()[-1].startswith("Sample is materialized, ")


def test_a_run_that_succeeds_prints_no_error(data: Path) -> None:
    """Neither Dagster's log nor TensorFlow's remarks on missing GPUs."""
    assert (data / "errors.txt").read_text() == ""


def test_the_run_is_recorded_in_dagster(data: Path) -> None:
    """With its job and partition, for the UI."""
    home = ncf(data, "dagster-home").stdout.strip()
    assert home == str(data / "dagster")
    listed = run(data, "dagster", "run", "list", DAGSTER_HOME=home)
    assert "Job: everything" in listed.stdout


def test_status_is_up_to_date_after_a_run(data: Path) -> None:
    """One line for the dataset; every asset if it is named, or in JSON; exit code 0."""
    short = ncf(data, "status")
    total = len(asset_names())
    lines = [f"data folder: {data}", f"Sample: up to date, {total} assets"]
    assert (short.returncode, short.stdout.splitlines()) == (0, lines)
    named = ncf(data, "status", "Sample").stdout
    assert named.count("up to date") == 1 + total
    found = json.loads(ncf(data, "status", "--json").stdout)["datasets"]["Sample"]
    assert (found["verdict"], found["out_of_date"]) == (f"up to date, {total} assets", False)
    rows = {one["asset"]: one["rows"] for one in found["assets"]}
    assert {name: rows[name] for name in ROWS} == ROWS
    assert all(one["current"] for one in found["assets"])


def test_datasets_are_listed_with_file_and_verdict(tmp_path: Path) -> None:
    """What is there, what would be downloaded, and what is missing."""
    others = (
        '[Far]\nformat = "amazon-2014"\nurl = "http://far.invalid/a.gz"\nexpected_reviews = 1234\n'
        '[Lost]\nformat = "amazon-2014"\npath = "lost.json"\n'
    )
    out = ncf(tiny_folder(tmp_path, others), "datasets").stdout
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines()]
    assert [row for row in cells if row] == [
        ["Sample", "", "0.0 MB", "not materialized"],
        ["Far", "1,234", "to download", "not materialized"],
        ["Lost", "", "missing", "not materialized"],
    ]


def test_summary_shows_rows_and_models(data: Path) -> None:
    """And where report and database are."""
    out = ncf(data, "show", "Sample").stdout
    for word in ("interactions", "neumf", "popularity", "HR@2", "report.html", "warehouse.duckdb"):
        assert word in out


def test_the_leaderboard_is_brought_up_to_date_and_shown(data: Path) -> None:
    """Every model of the one dataset, where its report is, and afterwards in SQL."""
    out = ncf(data, "leaderboard").stdout
    for words in ("NDCG@2", "ease", "neumf", "random", "Sample: current", "report.html"):
        assert words in out
    assert "not materialized to the end: 0 of 1 datasets" in out
    assert "13" in ncf(data, "sql", "select count(distinct model) as n from leaderboard").stdout


def test_the_leaderboard_of_nothing_says_how_to_begin(tmp_path: Path) -> None:
    """No dataset has a report."""
    assert (
        "Run `ncf-assets materialize Sample`." in ncf(tiny_folder(tmp_path), "leaderboard").stdout
    )


def test_a_leaderboard_that_was_killed_is_shown_as_failed_by_the_next(tmp_path: Path) -> None:
    """A run as a kill leaves it: under way, with its claim, which nobody holds."""
    data = tiny_folder(tmp_path)
    assert "[ 1/1]    leaderboard                    0 rows" in ncf(data, "leaderboard").stdout
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        (run,) = instance.get_runs()
        instance.run_storage.delete_run(run.run_id)
        instance.add_run(run.with_status(dg.DagsterRunStatus.STARTED))
        assert f"run {run.run_id} was killed" in ncf(data, "leaderboard").stdout
        (shown,) = instance.get_runs(dg.RunsFilter(run_ids=[run.run_id]))
    assert shown.status == dg.DagsterRunStatus.FAILURE


def test_what_follows_from_an_asset_is_of_the_dataset_alone(data: Path) -> None:
    """`data_profile+` reaches the report and leaves the leaderboard to its own command.

    In a terminal the last sentence is in lines that fit, broken at blanks.
    """
    code, said = in_terminal(data, "materialize", "Sample", "--select", "data_profile+")
    assert code == 0, said
    assert "[ 2/2]" in said
    found = Warehouse(data).record("evaluation_report", "Sample")["findings"][0].split()
    last = said[said.index("Sample is materialized") :].splitlines()[1:]
    sentence = last[: [line.startswith("report: ") for line in last].index(True)]
    assert " ".join(sentence).split() == found
    assert max(map(len, sentence)) <= 80 < len(" ".join(found))
    refused = ncf(data, "materialize", "Sample", "--select", "leaderboard")
    assert "no asset 'leaderboard' in the job everything" in refused.stderr


def test_sql_answers_as_table_and_as_csv(data: Path) -> None:
    """The number of users, and values that need quoting in CSV."""
    assert "13" in ncf(data, "sql", "select count(*) as n from users").stdout
    text = ncf(
        data, "sql", "--csv", "select user_id, 'a,b' as pair from users where user < 2"
    ).stdout
    assert list(csv.reader(io.StringIO(text))) == [
        ["user_id", "pair"],
        ["newcomer", "a,b"],
        ["user00", "a,b"],
    ]


def test_sql_works_while_somebody_holds_the_database(data: Path) -> None:
    """A read-write connection elsewhere does not lock it out."""
    with duckdb.connect(str(data / "warehouse.duckdb")) as holder:
        holder.execute("select * from users")
        assert ncf(data, "sql", "select 1 from users").returncode == 0


def test_sql_does_not_pretend_to_write(data: Path) -> None:
    """What would be lost with the copy is refused."""
    done = ncf(data, "sql", "create table mine as select 1")
    assert done.returncode == 1
    assert "read-only" in done.stderr


def test_a_mistake_in_sql_is_told_as_one(data: Path) -> None:
    """DuckDB's message without a traceback, exit code 1."""
    done = ncf(data, "sql", "select nothing from users")
    assert done.returncode == 1
    assert "nothing" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_duckdb_shell_opens_the_warehouse(data: Path) -> None:
    """`duckdb data/warehouse.duckdb` from any folder, and the shell of `ncf-assets sql`."""
    done = run(data, "duckdb", "-csv", str(data / "warehouse.duckdb"), "select count(*) from items")
    assert done.stdout.split() == ["count_star()", "12"]


def test_an_export_holds_all_tables(data: Path, tmp_path: Path) -> None:
    """Real tables; an existing file is replaced only on demand."""
    target = tmp_path / "out.duckdb"
    assert ncf(data, "export", str(target)).returncode == 0
    with duckdb.connect(str(target), read_only=True) as connection:
        names = {
            name
            for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()
        }
    assert set(ROWS) <= names
    refused = ncf(data, "export", str(target))
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert ncf(data, "export", "--force", str(target)).returncode == 0


def test_an_export_of_some_tables_has_their_macros_alone(data: Path, tmp_path: Path) -> None:
    """`recommend` reads three tables; a table that there is not is refused by its name."""
    target, chosen = tmp_path / "out.duckdb", "popular_items,item_details,recommendations"
    assert ncf(data, "export", str(target), "--tables", chosen).returncode == 0
    with duckdb.connect(str(target), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
        assert {name for (name,) in tables} == set(chosen.split(","))
        asked = "select distinct function_name from duckdb_functions() where not internal"
        macros = {name for (name,) in connection.execute(asked).fetchall()}
        assert macros == {"is_dataset", "recommend"}
        assert connection.execute("from recommend('Sample', 'user03')").fetchall()
    wrong = ncf(data, "export", "--force", str(target), "--tables", "metric")
    assert wrong.returncode == 2
    assert "no table 'metric' in" in wrong.stderr
    assert "Did you mean metrics?" in wrong.stderr


def test_a_selection_makes_only_what_it_names(data: Path) -> None:
    """And what is made with it: diversity, examples and comparisons; sources stay as they are."""
    done = ncf(
        data, "materialize", "Sample", "--select", "test_ranks,metrics",
        "--config", str(only(data, "evaluation")),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "[ 6/6]" in done.stdout
    assert "recommendations" not in done.stdout
    assert "comparisons" in done.stdout
    assert "raw_reviews" not in done.stdout


def test_a_missing_input_is_refused_before_the_run(data: Path, tmp_path: Path) -> None:
    """Dagster's UI would show a failed run. Few missing inputs are selected, many are not."""
    some = tmp_path / "some"
    shutil.copytree(data, some, symlinks=True)
    shutil.rmtree(some / "models" / "ials_model")
    runs = len(spans(some))
    missing = ncf(some, "materialize", "Sample", "--select", "neumf_model,served_model")
    assert missing.returncode == 1
    assert (
        "neumf_model reads ials_model of Sample, which is not materialized. Run"
        " `ncf-assets materialize Sample --select '+ials_model'`."
    ) in missing.stderr
    nothing = ncf(tiny_folder(tmp_path / "none"), "materialize", "Sample", "--select", "metrics")
    assert "which are not materialized. Run `ncf-assets materialize Sample`." in nothing.stderr
    assert len(spans(some)) == runs


def only(data: Path, *ops: str) -> Path:
    """run.yaml with the configuration of some assets alone."""
    import yaml

    config = yaml.safe_load((data / "run.yaml").read_text())
    target = data / f"{'-'.join(ops)}.yaml"
    target.write_text(yaml.safe_dump({"ops": {op: config["ops"][op] for op in ops}}))
    return target


def test_status_follows_source_and_upstream(tmp_path: Path) -> None:
    """A changed file, then a remade upstream, then its remade downstream."""
    data = tiny_folder(tmp_path)
    first = "raw_reviews,latest_reviews,users,items,interactions"
    assert ncf(data, "materialize", "Sample", "--select", first).returncode == 0
    assert state(data, "users") == "up to date"
    assert state(data, "train") == "not materialized"
    with (data / "tiny.json").open("a") as file:
        file.write(
            '{"reviewerID": "late", "asin": "item00", "overall": 1, "unixReviewTime": 1e9}\n'
        )
        file.write(
            '{"reviewerID": "late", "asin": "item00", "overall": 1, "unixReviewTime": 1400000000}\n'
        )
    assert state(data, "raw_reviews") == "the source file has changed"
    assert state(data, "latest_reviews") == "raw_reviews is out of date"
    assert state(data, "interactions") == "items, users are out of date"
    stale = ncf(data, "status")
    assert stale.returncode == 3
    assert f"Sample: 7 out of date, {len(asset_names()) - 7} not materialized of" in stale.stdout
    made = ncf(data, "materialize", "Sample", "--select", "raw_reviews").stdout
    assert state(data, "latest_reviews") == "raw_reviews has changed"
    assert "out of date now: filters, latest_reviews and what follows, 5 in all. Make with:" in made
    assert "materialize Sample --select 'filters+,latest_reviews+'" in made
    assert ncf(data, "materialize", "Sample", "--select", "latest_reviews").returncode == 0
    assert state(data, "latest_reviews") == "up to date"


def test_a_touched_file_with_the_same_content_is_not_a_change(tmp_path: Path) -> None:
    """Time stamps of files mean nothing where the bytes are the same."""
    data = tiny_folder(tmp_path)
    assert ncf(data, "materialize", "Sample", "--select", "raw_reviews").returncode == 0
    (data / "tiny.json").touch()
    assert state(data, "raw_reviews") == "up to date"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["materialize", "Sampel"], "Did you mean Sample?"),
        (["materialize", "Sample", "--select", "user"], "Did you mean users?"),
        (["materialize", "Sample", "--config", "nowhere.yaml"], "does not exist"),
        (["status", "Nothing_like_it"], "There are: Sample"),
        (["materialize", "Sample", "--select", "users++"], "Give a selection such as"),
        (["backfill"], "give one of the four: datasets, --all, --failed"),
        (["backfill", "Sample", "--all"], "give one of the four: datasets, --all, --failed"),
        (["backfill", "--failed", "--config", "datasets.toml"], "Leave out --config"),
    ],
)
def test_a_mistaken_command_names_the_remedy(
    tmp_path: Path, words: list[str], message: str
) -> None:
    """Exit code 2, without a traceback."""
    check_refused(tiny_folder(tmp_path), words, 2, message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sql", "select 1"], "there is no warehouse yet"),
        (["export", "out.duckdb"], "nothing is materialized"),
        (["show", "Sample"], "Run `ncf-assets materialize Sample`"),
        (["backfill", "--failed"], "there is no backfill yet"),
    ],
)
def test_an_empty_data_folder_is_told_as_such(
    tmp_path: Path, words: list[str], message: str
) -> None:
    """Exit code 1, and what to do."""
    check_refused(tiny_folder(tmp_path), words, 1, message)


def check_refused(data: Path, words: list[str], code: int, message: str) -> None:
    """The command ends with this code and says why, without a traceback."""
    files = {"datasets.toml", "out.duckdb"}  # names in this folder, not in the caller's
    done = ncf(data, *(str(data / word) if word in files else word for word in words))
    assert done.returncode == code
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["materialize", "backfill"])
def test_a_dataset_whose_file_cannot_be_had_is_refused_before_a_run(
    tmp_path: Path, command: str
) -> None:
    """One line, and nothing in Dagster that its UI would show as failed."""
    data = tiny_folder(tmp_path, '[Far]\nformat = "amazon-2014"\nurl = "http://far.invalid/a.gz"\n')
    done = ncf(data, command, "Far")
    assert done.returncode == 1
    assert done.stderr.count("no address is known for far.invalid. Check the network") == 1
    assert "Traceback" not in done.stderr
    with dg.DagsterInstance.from_config(ncf(data, "dagster-home").stdout.strip()) as instance:
        assert (instance.get_runs(), instance.get_backfills()) == ([], [])
    assert ncf(data, "materialize", "Sample", "--select", "raw_reviews").returncode == 0


def test_a_broken_registry_is_told_in_one_line(tmp_path: Path) -> None:
    """The file, the rule, what was found."""
    (tmp_path / "datasets.toml").write_text('[Bad]\nformat = "amazon-1999"\nurl = "http://x/y"\n')
    done = ncf(tmp_path, "materialize", "Bad")
    assert done.returncode == 1
    assert "datasets.toml" in done.stderr
    assert "amazon-1999" in done.stderr


def test_a_misspelt_setting_is_told_without_a_traceback(tmp_path: Path) -> None:
    """The run configuration is checked before anything runs."""
    data = tiny_folder(tmp_path)
    (data / "run.yaml").write_text("ops: {negatives: {config: {n_negativs: 3}}}")
    done = ncf(data, "materialize", "Sample", "--config", str(data / "run.yaml"))
    assert done.returncode == 1
    assert "no 'n_negativs' in ops.negatives.config. Did you mean n_negatives?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (data / "tables").exists()


def test_status_follows_the_registry_and_names_damage(tmp_path: Path) -> None:
    """Another format in datasets.toml, and a Parquet file cut in the middle."""
    data = tiny_folder(tmp_path)
    assert ncf(data, "materialize", "Sample", "--select", "raw_reviews").returncode == 0
    registry = data / "datasets.toml"
    registry.write_text(registry.read_text().replace("amazon-2014", "amazon-2018"))
    assert state(data, "raw_reviews") == "its entry in datasets.toml has changed"
    file = data / "tables" / "raw_reviews" / "dataset=Sample" / "data.parquet"
    file.write_bytes(file.read_bytes()[:-9])
    done = ncf(data, "status", "Sample")
    assert done.returncode == 3
    assert "damaged" in done.stdout


def test_export_does_not_replace_the_catalogue(data: Path) -> None:
    """Not even by force."""
    done = ncf(data, "export", "--force", str(data / "warehouse.duckdb"))
    assert done.returncode == 1
    assert "own catalogue" in done.stderr


def test_the_shell_of_sql_answers(data: Path) -> None:
    """What is typed into `ncf-assets sql`."""
    done = ncf(data, "sql", typed="select 6 * 7 as answer, count(*) from users;")
    assert "42" in done.stdout
    assert "13" in done.stdout


def test_a_file_of_another_format_names_the_format(tmp_path: Path) -> None:
    """A 2023 line under amazon-2014: nothing is published, the remedy is in the message."""
    data = tiny_folder(tmp_path)
    line = '{"user_id": "a", "parent_asin": "b", "rating": 5, "timestamp": 1588687728923}\n'
    (data / "tiny.json").write_text(line * 3)
    done = ncf(data, "materialize", "Sample")
    assert done.returncode == 1
    assert 'Set format = "amazon-2023"' in done.stderr
    assert not (data / "tables" / "raw_reviews" / "dataset=Sample" / "data.parquet").exists()


def test_help_names_every_command_and_option(tmp_path: Path) -> None:
    """Each with a whole sentence, on 80 columns too."""
    out = ncf(tmp_path, "--help", COLUMNS="80").stdout
    assert not any(line.endswith("...") for line in out.splitlines()[1:])
    commands = (
        "materialize",
        "backfill",
        "status",
        "doctor",
        "show",
        "sql",
        "export",
        "dagster-home",
    )
    for command in commands:
        assert command in out
        assert len(ncf(tmp_path, command, "--help").stdout.splitlines()) > 4
