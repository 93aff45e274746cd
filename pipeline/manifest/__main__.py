"""`python -m pipeline.manifest` writes the JSON Schema of the manifest; with `--check` it exits 1 if the file is stale."""

import json
import sys

from pipeline.manifest.manifest import SCHEMA, schema

text = json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"
if "--check" in sys.argv:
    sys.exit(0 if SCHEMA.read_text() == text else f"{SCHEMA.name} is stale: run python -m pipeline.manifest")
SCHEMA.write_text(text)
