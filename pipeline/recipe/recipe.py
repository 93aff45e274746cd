"""Recipes: what goes in, how it is polished and where it goes. TOML, typed, closed: an unknown key is an error."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.acquire.remote import Network
from pipeline.errors import UsageError
from pipeline.recipe import checks, duplicates, filters
from pipeline.recipe.against import Against, against
from pipeline.recipe.alarms import Alarms
from pipeline.recipe.measures import Measure, measures
from pipeline.recipe.release import base_url, deny, splits, tokenizers, values
from pipeline.recipe.repeat import repeat
from pipeline.recipe.source import READERS, Source, sources
from pipeline.store.places import Place, is_final, place
from stages.base import Stage
from stages.dedup.bands import Bands
from stages.dedup.dedup import Dedup
from stages.indexes.compacts import Compacts
from stages.indexes.index import Index
from stages.indexes.known import Known
from stages.language.language import Language
from stages.measure.judge import Bound
from stages.measure.tokens import Tokens
from stages.measure.vocabulary import Named
from stages.pii.pii import DEFAULT, KINDS
from stages.release.host_table import Hosts
from stages.release.left_out import Deny, HostCap
from stages.release.repeat import ClusterCap, Steps
from stages.release.shards import Shards
from stages.release.splits import TRAIN, Shares
from stages.release.write import Write
from stages.signatures.address import Address
from stages.signatures.minhash import MinHashStage
from stages.template_lines.rule import Rule

# Stages with parameters of their own in `[stages.<name>]`; readers take theirs in their `[[source]]`.
TUNABLE: Mapping[str, type[Stage]] = {
    "language": Language,
    "minhash": MinHashStage,
    "bands": Bands,
    "known": Known,
    "dedup": Dedup,
    "shards": Shards,
}

_KEYS = (
    "name",
    "source",
    "filters",
    "measure",
    "stages",
    "dedup",
    "alarms",
    "network",
    "pii",
    "tokenizers",
    "splits",
    "repeat",
    "template_lines",
    "output",
)


@dataclass(frozen=True)
class Recipe:
    path: Path
    name: str
    sources: tuple[Source, ...]
    work: Place
    release: Place
    profile: str  # what the bounds start from
    bounds: tuple[Bound, ...]
    because: Mapping[str, str]  # code -> reason of a bound that differs from the filter's own
    stages: Mapping[str, Mapping[str, Any]]  # name -> parameters
    network: Network
    alarms: Alarms
    measures: tuple[Measure, ...] = ()  # of the recipe's own
    against: tuple[Against, ...] = ()  # corpora that exist already
    template_lines: Rule | None = None  # None: none is looked for
    pii: tuple[str, ...] = DEFAULT  # kinds of personal information that are masked in the release
    tokenizers: tuple[Named, ...] = (Named(),)  # the first is the unit of the funnel
    splits: Shares = ()
    repeat: Steps = ()  # none: the release has no such column
    values: tuple[str, ...] = ()  # codes of measures that become columns of the release
    base_url: str = ""
    deny: tuple[str, ...] = ()  # lists of removals
    relative: tuple[str, ...] = ()  # output paths as they were written, where that was relative

    def stage(self, name: str) -> Stage:
        """The tunable stage `name` with the recipe's parameters."""
        return TUNABLE[name](**self.stages.get(name, {}))

    def reader(self, source: Source, **more: Any) -> Stage:
        return READERS[source.kind](**{**source.options, **more})

    def writer(self, source: Source) -> Write:
        return Write(
            source.name,
            source.license,
            self.tokenizers,
            self.pii,
            self.splits,
            self._after(source),
            self.values,
            measured=source.join == "language",
            steps=self.repeat,
        )

    def tokens(self) -> Tokens:
        return Tokens(self.tokenizers[0])

    def denials(self) -> tuple[Stage, ...]:
        """What leaves documents out between dedup and the release, a partition at a time."""
        return (Deny(self.deny), *((ClusterCap(self.repeat),) if self._caps_clusters else ()))

    @property
    def _caps_clusters(self) -> bool:
        return any(times == 0 for _, times in self.repeat)

    def host_cap(self, source: Source) -> HostCap:
        return HostCap(source.tokens_per_host, after=tuple(key for key in self._after(source) if key != "host-cap"))

    def hosts(self, source: Source) -> Hosts:
        return Hosts(self._after(source), self.tokenizers[0].column)

    def _after(self, source: Source) -> tuple[str, ...]:
        """The stages that leave documents of a source out between dedup and the release."""
        masks = ("line-masks",) if self.loses_templates(source) else ()
        caps = ("cluster-cap",) if self._caps_clusters else ()
        return (*masks, "deny", *caps, *(("host-cap",) if source.tokens_per_host else ()))

    def loses_templates(self, source: Source) -> bool:
        """Of documents that join behind the filters no character is changed."""
        return self.template_lines is not None and source.join == "language"

    @property
    def split_names(self) -> tuple[str, ...]:
        return (TRAIN, *(name for name, _ in self.splits))

    def shards(self, split: str = TRAIN) -> Shards:
        own = {"tokenizers": self.tokenizers, "values": self.values, "split": split, "repeat": bool(self.repeat)}
        return Shards(**{**self.stages.get("shards", {}), **own})

    def signing(self, within: str = "") -> tuple[Stage, ...]:
        """What documents are compared by: signatures, addresses where they are a level, and what indexes are asked by."""
        minhash = MinHashStage(**{**self.stages.get("minhash", {}), "within": within})
        addresses = (Address(within),) if self.dedup().by_url else ()
        return minhash, *addresses, *((self._compacts(),) if self.against else ())

    def _compacts(self) -> Compacts:
        return Compacts(**self._of_minhash("ngram"), **self._of_minhash("mask_digits"), bins=self.known().bins)

    def known(self) -> Known:
        shape, dedup = self.bands().shape, self.stages.get("dedup", {})
        similarity = {"similarity": dedup["similarity"]} if "similarity" in dedup else {}
        return Known(**{**similarity, **self.stages.get("known", {}), "bands": shape.bands, "rows": shape.rows})

    def index(self, of: Against) -> Index:
        """The index of a corpus, by the same keys and signatures as those of the run."""
        shape, minhash = self.bands().shape, self.stages.get("minhash", {})
        signing = {name: minhash[name] for name in ("ngram", "permutations", "seed", "mask_digits") if name in minhash}
        return Index(**{**of.columns, **signing}, bands=shape.bands, rows=shape.rows, bins=self.known().bins)

    def bands(self) -> Bands:
        own = {"addresses": self.dedup().by_url}
        return Bands(**{**self._of_minhash("permutations"), **self.stages.get("bands", {}), **own})

    def dedup(self) -> Dedup:
        return Dedup(**{**self._of_minhash("ngram"), **self._of_minhash("mask_digits"), **self.stages.get("dedup", {})})

    def _of_minhash(self, parameter: str) -> dict[str, Any]:
        """A parameter that follows `[stages.minhash]` unless it is set."""
        minhash = self.stages.get("minhash", {})
        return {parameter: minhash[parameter]} if parameter in minhash else {}


def load(path: str | Path, *, work: str | None = None, release: str | None = None) -> Recipe:
    """Read a recipe. Relative paths in it are relative to its own folder. UsageError names the key and the mend."""
    return typed(parse(Path(path)), Path(path), work=work, release=release)


def typed(table: Mapping[str, Any], path: Path, *, work: str | None = None, release: str | None = None) -> Recipe:
    """The recipe that the TOML of the file `path` means."""
    where = str(path)
    checks.closed(table, _KEYS, where)
    folder = path.resolve().parent
    network = checks.typed(Network, checks.table(table, "network", where), folder, f"{where} [network]")
    output = checks.table(table, "output", where)
    checks.closed(output, ("work", "release", "values", "base_url", "deny"), f"{where} [output]")
    places = {"work": work or checks.text(output, "work", f"{where} [output]"),
              "release": release or checks.text(output, "release", f"{where} [output]")}  # fmt: skip
    chosen = filters.chosen(checks.table(table, "filters", where), f"{where} [filters]")
    own = measures(table.get("measure", []), folder, where)
    release_at = place(places["release"], Path.cwd() if release else folder)
    work_at = place(places["work"], Path.cwd() if work else folder)
    return Recipe(
        path=path,
        name=checks.text(table, "name", where),
        sources=sources(table.get("source"), folder, where),
        work=work_at,
        release=release_at,
        profile=chosen.profile,
        bounds=chosen.bounds + own.bounds,
        because={**chosen.because, **own.because},
        measures=own.stages,
        stages=_stages(duplicates.stages(table, where), folder, where),
        against=_against(table, folder, where),
        template_lines=_template_lines(table, folder, where),
        network=Network(**network),
        alarms=duplicates.alarms(table, folder, where),
        tokenizers=tokenizers(checks.table(table, "tokenizers", where), folder, where),
        splits=splits(checks.table(table, "splits", where), where),
        repeat=repeat(table, where),
        values=values(output, tuple(bound.code for bound in own.bounds), f"{where} [output]"),
        base_url=base_url(output, f"{where} [output]"),
        deny=deny(output, folder, (release_at, work_at), f"{where} [output]"),
        pii=_pii(checks.table(table, "pii", where), f"{where} [pii]"),
        relative=tuple(f"{what} = {at}" for what, at in places.items() if not is_final(at)),
    )


def parse(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such recipe; see manifests/ for examples") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a directory; give the recipe file in it (*.toml)") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None


def _pii(table: Mapping[str, Any], where: str) -> tuple[str, ...]:
    checks.closed(table, ("mask",), where)
    if "mask" not in table:
        return DEFAULT
    chosen = checks.texts(table, "mask", where, "mask = ['mail', 'phone']") if table["mask"] != [] else []
    for kind in chosen:
        if kind not in KINDS:
            raise UsageError(f"{where} mask: no kind {kind!r}{checks.nearest(kind, KINDS)}")
    return tuple(chosen)


def _against(table: Mapping[str, Any], folder: Path, where: str) -> tuple[Against, ...]:
    written = checks.table(table, "dedup", where)
    checks.closed(written, ("against",), f"{where} [dedup]")
    return against(written, folder, f"{where} [dedup]")


def _template_lines(table: Mapping[str, Any], folder: Path, where: str) -> Rule | None:
    if "template_lines" not in table:
        return None
    written = checks.table(table, "template_lines", where)
    return Rule(**checks.typed(Rule, written, folder, f"{where} [template_lines]"))


def _stages(table: Mapping[str, Any], folder: Path, where: str) -> dict[str, dict[str, Any]]:
    if "tokens" in table:
        raise UsageError(f'{where} [stages.tokens]: tokenizers have a table of their own: [tokenizers] key = "file"')
    checks.closed(table, tuple(TUNABLE), f"{where} [stages]")
    for what in ("split", "tokenizers", "values", "repeat"):
        if what in checks.table(table, "shards", where):
            raise UsageError(f"{where} [stages.shards] {what}: said in [splits], [tokenizers], [repeat] or [output]")
    return {
        name: checks.typed(TUNABLE[name], checks.table(table, name, where), folder, f"{where} [stages.{name}]")
        for name in table
    }
