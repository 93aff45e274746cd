"""The funnel: sums over commit markers, so a retried task never counts twice."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.commit.tally import Tally
from pipeline.engine.run import Outcome
from pipeline.manifest.counts import Funnel, Size
from pipeline.manifest.manifest import Sample


def funnel(outcome: Outcome, source: str | None = None) -> Funnel:
    """Where every record of a finished run (or of one source in it) went."""
    extract, write = outcome.of("extract", source), outcome.of("write", source)
    verdict, tokens = outcome.of("verdict", source), outcome.of("tokens", source)
    counted = extract.counters
    return Funnel(
        records=counted["records"],
        passed={name: n for name, n in sorted(counted.items()) if name.startswith("passed.")},
        lost={name.removeprefix("lost."): n for name, n in sorted(counted.items()) if name.startswith("lost.")},
        quarantined=extract.quarantined,
        extracted=Size(
            documents=extract.rows,
            characters=tokens.counters["characters"],
            tokens=tokens.counters["tokens"],
        ),
        # `verdict` repeats what `judge` said and adds its own, so its histogram is the whole of it.
        rejected=_reasons(verdict),
        judged=_kept(verdict),
        duplicates={reason: n for reason, n in _reasons(write).items() if reason.startswith("dedup.")},
        removed={reason: n for reason, n in _reasons(write).items() if not reason.startswith("dedup.")},
        deduplicated=_kept(write, "unique"),
        written=Size(
            documents=write.counters["written"],
            characters=write.counters["written.characters"],
            tokens=write.counters["written.tokens"],
        ),
    )


def samples(outcome: Outcome, source: str, one_in: Mapping[str, int]) -> list[Sample]:
    """What the samples of the passed by say. `one_in`: 'gate' or 'index' -> N of the sample that the recipe asks for."""
    extract, write = outcome.of("extract", source).counters, outcome.of("write", source).counters
    regular = write["written"] - sum(write[f"via.{name}"] for name in one_in)
    found = []
    for name, n in one_in.items():
        missed = n * write[f"via.{name}"]
        recall = round(regular / (regular + missed), 6) if regular + missed else None
        found.append(
            Sample(of=name, one_in=n, records=extract[f"via.{name}"], written=write[f"via.{name}"], recall=recall)  # type: ignore[arg-type]
        )
    return found


def written_by(what: str, outcome: Outcome, source: str) -> dict[str, int]:
    """Documents written, by 'policy' (each signal of their pages) or 'license'."""
    counted = outcome.of("write", source).counters
    return {name.removeprefix(f"{what}."): n for name, n in sorted(counted.items()) if name.startswith(f"{what}.")}


def removals(outcome: Outcome) -> dict[str, int]:
    """Documents that were asked to be removed, by ticket."""
    counted = outcome.of("deny").counters
    return {name.removeprefix("ticket."): n for name, n in sorted(counted.items()) if name.startswith("ticket.")}


def _reasons(tally: Tally) -> dict[str, int]:
    return dict(sorted(tally.reasons.items()))


def _kept(tally: Tally, what: str = "kept") -> Size:
    total = tally.counters
    return Size(documents=total[what], characters=total[f"{what}.characters"], tokens=total[f"{what}.tokens"])
