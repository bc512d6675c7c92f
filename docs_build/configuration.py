"""Generate the page of all run configuration, from the classes that the launchpad shows."""

import json
from typing import Any

from docs_build.graph import heading, row
from ncf_assets.cli.run_config import configurations
from ncf_assets.definitions import build_defs

HEAD = """# Configuration

This page lists every number that changes a result. In the Dagster UI, set them in the launchpad; on
the command line, in a YAML file that needs only what differs from the defaults:

```yaml
ops:
  ials_model: {config: {factors: 64}}
  negatives: {config: {n_negatives: 50}}
```

`ncf-assets materialize Sample --config run.yaml` applies it. A value out of range is refused before
anything runs. Folders and memory are set by [environment variables](reference/environment.md).

"""
# JSON schema's name of a bound -> the words on the page
BOUNDS = {
    "minimum": "{} or more",
    "exclusiveMinimum": "above {}",
    "maximum": "{} at most",
    "exclusiveMaximum": "below {}",
    "minItems": "{} or more values",
}


def page() -> str:
    """Return a table for each step that has settings."""
    return HEAD + "\n".join(
        f"## {name}\n\n{config.__doc__ or ''}\n\n"
        + heading("setting", "default", "range", "meaning")
        + "".join(
            _row(setting, schema)
            for setting, schema in config.model_json_schema()["properties"].items()
        )
        for name, config in configurations(build_defs().resolve_job_def("everything")).items()
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
