"""The page of all run configuration, from the classes that the launchpad shows."""

import json
from typing import Any

from documentation.graph import heading, row
from ncf_assets.cli.run_config import configurations
from ncf_assets.definitions import defs

HEAD = """# Configuration

Every number that changes a result. In the Dagster UI it stands in the launchpad; on the command
line in a YAML file, of which only what differs from the defaults is needed:

```yaml
ops:
  ials_model: {config: {factors: 64}}
  negatives: {config: {candidates: 50}}
```

`ncf-assets materialize Sample --config run.yaml`. What is out of range is refused before anything
runs. Folders and memory are environment variables: [Where things are](index.md#where-things-are).

"""
# what JSON schema calls a bound, and how a reader does
BOUNDS = {
    "minimum": "{} or more",
    "exclusiveMinimum": "above {}",
    "maximum": "{} at most",
    "exclusiveMaximum": "below {}",
    "minItems": "{} or more values",
}


def page() -> str:
    """A table for each step that has settings."""
    return HEAD + "\n".join(
        f"## {name}\n\n{config.__doc__ or ''}\n\n"
        + heading("setting", "default", "range", "meaning")
        + "".join(
            _row(setting, schema)
            for setting, schema in config.model_json_schema()["properties"].items()
        )
        for name, config in configurations(defs.resolve_job_def("everything")).items()
    )


def _row(setting: str, schema: dict[str, Any]) -> str:
    default = json.dumps(schema["default"]) if schema.get("default") is not None else "none"
    parts = [schema, *schema.get("anyOf", ())]
    bounds = [
        text.format(part[bound])
        for part in parts
        for bound, text in BOUNDS.items()
        if bound in part
    ]
    bounds += [
        " or ".join(f"`{choice}`" for choice in part["enum"]) for part in parts if "enum" in part
    ]
    return row(f"`{setting}`", f"`{default}`", ", ".join(bounds), schema.get("description", ""))
