"""What commands share: the environment's warehouse, registry and definitions; checked names."""

import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click
from dotenv import dotenv_values

import ncf_assets
from ncf_assets.cli.wrapping import say
from ncf_assets.datasets import Dataset, Registry, RegistryError, read
from ncf_assets.hashing import hash_json
from ncf_assets.suggestion import suggestion
from ncf_assets.warehouse.duckdb_limits import memory_limit
from ncf_assets.warehouse.history_note import check_history, history_folder
from ncf_assets.warehouse.paths import Paths, check_checkout, data_dir, data_url
from ncf_assets.warehouse.versions import model_versions, table_versions

if TYPE_CHECKING:  # imported where they are used: most commands want one of them
    import dagster as dg

    from ncf_assets.warehouse.warehouse import Warehouse

EVERYTHING = "everything"  # the job that makes all assets of a dataset but its search


def load_env_file() -> None:
    """Set the variables of `.env` in the current folder, as Dagster's own commands do.

    Raise ClickException for one of the project that the environment sets otherwise: Dagster's
    processes would work on the one of the file, and this process on the other.
    """
    file = Path.cwd() / ".env"
    found = dotenv_values(file) if file.is_file() else {}
    for name, value in found.items():
        given = os.environ.get(name)
        if value is None or value == given:
            continue
        if given is not None and name.startswith(("NCF_", "DAGSTER_HOME")):
            raise click.ClickException(
                f"{name} is {given!r} in the environment and {value!r} in {file}, which Dagster's"
                " own commands obey. Unset the variable, or correct the file."
            )
        os.environ[name] = value


def data_folder_line() -> str:
    """Return which data folder this process works on, and where Dagster's history of it is."""
    url = data_url()
    text = f"data folder: {url}; work folder: {data_dir()}" if url else f"data folder: {data_dir()}"
    home = history_folder()
    return text if home == data_dir() / "dagster" else f"{text}; Dagster's history: {home}"


def check_environment() -> None:
    """Raise ClickException for a variable without sense, and for two folders where one is meant."""
    script = Path(sys.argv[0])
    environment = script.resolve().parent.parent
    if (environment / "pyvenv.cfg").exists() and environment != Path(sys.prefix).resolve():
        raise click.ClickException(
            f"{script} is a copy, which runs the code of {sys.prefix}. Run `make` in"
            f" {environment.parent}, which makes an environment of its own there."
        )
    try:
        check_checkout()
        data_dir(), memory_limit(), model_versions(), table_versions()
        check_history()
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def check_can_train() -> None:
    """Raise ClickException for variables with which no network could be trained."""
    from ncf_assets.orchestration.distributed import check_tf_config

    try:
        check_tf_config()
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@cache
def code_fingerprint() -> str:
    """Return a hash of names, sizes and times of the package's files, as this process has them."""
    root = Path(str(ncf_assets.__file__)).parent
    files = [
        (str(path.relative_to(root)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    ]
    return hash_json([str(root), files])


@cache
def definitions() -> "dg.Definitions":
    """Return the code location as the environment variables and the registry have it."""
    code_fingerprint()  # before the code is read: it may be another when the command ends
    from ncf_assets.definitions import build_defs

    try:
        return build_defs()
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def asset_names() -> list[str]:
    """Return the assets of the job `everything`, in alphabetical order."""
    made = definitions().resolve_job_def(EVERYTHING).asset_layer.executable_asset_keys
    return sorted(key.to_user_string() for key in made)


def warehouse() -> "Warehouse":
    """Return the warehouse of the environment variables."""
    from ncf_assets.warehouse.warehouse import Warehouse

    try:
        return Warehouse.from_env()
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def registry() -> dict[str, Dataset]:
    """Return the datasets by name; say once which blocks of the registry are left out."""
    return read_registry().datasets


def read_registry() -> Registry:
    """Return the datasets, and the faults of blocks that are left out, which are said once."""
    try:
        found = read(Paths(data_dir()).registry)
    except RegistryError as error:
        raise click.ClickException(str(error)) from error
    _tell(found.faults)
    return found


@cache
def _tell(faults: tuple[str, ...]) -> None:
    for fault in faults:
        say(f"left out: {fault}", err=True, color="yellow")


def check_known(kind: str, names: Iterable[str], known: Iterable[str], where: str) -> None:
    """Raise a usage error for a name that does not exist."""
    known = list(known)
    for name in names:
        if name not in known:
            raise click.UsageError(f"no {kind} {name!r} in {where}. {suggestion(name, known)}")


def check_datasets(names: Iterable[str]) -> None:
    """Raise a usage error for a dataset that the registry lacks, or that is left out of it."""
    found = read_registry()
    for name in names:
        if name not in found.datasets and any(f"[{name}]" in fault for fault in found.faults):
            raise click.UsageError(f"{name} is left out for the reason above. Correct its block.")
    check_known("dataset", names, found.datasets, str(Paths(data_dir()).registry))


def source_refusals(names: Iterable[str]) -> dict[str, str]:
    """Return the datasets whose source file cannot be had, with the reason and the remedy.

    A run that is planned nevertheless would show all its assets as failed in Dagster's UI.
    """
    from ncf_assets.ingest import download

    place, datasets = Paths(data_dir()), registry()
    asked = [datasets[name] for name in names]
    reasons = download.refusals(asked, place.registry.parent, place.raw)
    refused = [(one.name, reason) for one, reason in zip(asked, reasons, strict=True) if reason]
    return {name: f"{reason.rstrip('.')}." for name, reason in refused}


def missing_details(names: Iterable[str]) -> dict[str, str]:
    """Return the datasets whose file of details cannot be had, with the reason and the remedy."""
    from ncf_assets.ingest import details

    place, datasets = Paths(data_dir()), registry()
    reasons = (
        (name, details.refusal(datasets[name], place.registry.parent, place.raw)) for name in names
    )
    return {name: reason for name, reason in reasons if reason}
