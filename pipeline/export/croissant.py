"""Croissant 1.1: what is in the release, as JSON-LD that search engines and `mlcroissant` read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.export import Release, begin, hold, record
from pipeline.manifest.manifest import Manifest
from pipeline.store.folder import write

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {"string": "sc:Text", "large_string": "sc:Text", "float": "sc:Float", "double": "sc:Float"}
_URLS = {"url": "sc:URL"}
_MEANINGS = {
    "repeat": "how often to train on the document, by its cluster_size"
}  # where the name alone does not say it


def export(release: Release, out: Path, base_url: str) -> list[str]:
    """Write croissant.json to `out`. Addresses are `base_url` + path; without one, paths relative to the release."""
    base = base_url or release.manifest.base_url
    base = base if not base or base.endswith("/") else f"{base}/"
    described = _described(release, base)
    files = [item for item in described["distribution"] if item["@type"] == "cr:FileObject"]
    hold(
        "bytes of the distribution",
        sum(int(f["contentSize"].split()[0]) for f in files),
        sum(e.bytes for e in release.entries),
    )
    begin(out, "croissant", {"base_url": base_url}, ["croissant.json"])
    write(out / "croissant.json", (json.dumps(described, ensure_ascii=False, indent=2) + "\n").encode())
    record(out, release, "croissant", {"files": len(files), "documents": release.manifest.shards.documents})
    return [f"{out / 'croissant.json'}: {len(files)} files, {len(described['recordSet'])} record sets"]


def _described(release: Release, base: str) -> dict[str, Any]:
    manifest = release.manifest
    licenses = sorted({license for source in manifest.sources for license in source.licenses if license})
    described = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": manifest.name,
        "description": f"A Japanese corpus built by Seimai: {manifest.shards.documents:,} documents, "
        f"{manifest.shards.characters:,} characters. Manifest id {manifest.id}.",
        "license": licenses or ["not stated"],
        "inLanguage": "ja",
        "version": manifest.seimai,
        "identifier": manifest.id,
        "creditText": "; ".join(dict.fromkeys(s.attribution for s in manifest.sources if s.attribution)),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": entry.path,
                "name": Path(entry.path).name,
                "contentUrl": f"{base}{entry.path}",
                "contentSize": f"{entry.bytes} B",
                "encodingFormat": "application/x-parquet",
                "sha256": entry.sha256,
            }
            for entry in release.entries
        ],
        "recordSet": [
            _records(manifest, entry.path, f"{entry.rows} documents of {entry.source}, {entry.split}")
            for entry in release.entries
        ],
    }
    if base:
        described["url"] = base
    return described


def _records(manifest: Manifest, path: str, description: str) -> dict[str, Any]:
    """A record set a shard: Croissant's fields have one source each, and sets of files only lie in archives."""
    name = Path(path).stem
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{name}/{column}",
            "name": column,
            **({"description": _MEANINGS[column]} if column in _MEANINGS else {}),
            "dataType": _URLS.get(column) or _TYPES.get(kind, "sc:Text" if kind.startswith("list") else "sc:Integer"),
            **({"isArray": True, "arrayShape": "-1"} if kind.startswith("list") else {}),
            "source": {"fileObject": {"@id": path}, "extract": {"column": column}},
        }
        for column, kind in manifest.columns.items()
    ]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "description": description, "field": fields}
