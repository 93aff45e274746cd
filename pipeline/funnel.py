"""The funnel: sums over commit markers, so a retried task never counts twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pipeline.commit import Committed
from pipeline.manifest import Funnel, Sample, Size
from pipeline.run import Outcome
from stages.line_masks import REASONS


def funnel(outcome: Outcome, source: str | None = None) -> Funnel:
    """Where every record of a finished run (or of one source in it) went."""
    extract, write = outcome.of("extract", source), outcome.of("write", source)
    verdict, tokens = outcome.of("verdict", source), outcome.of("tokens", source)
    counted = _counters(extract)
    return Funnel(
        records=counted["records"],
        passed={name: n for name, n in sorted(counted.items()) if name.startswith("passed.")},
        lost={name.removeprefix("lost."): n for name, n in sorted(counted.items()) if name.startswith("lost.")},
        quarantined=sum(m.quarantine["rows"] for m in extract if m.quarantine),
        extracted=Size(
            documents=sum(m.outputs["rows"]["rows"] for m in extract),
            characters=_counters(tokens)["characters"],
            tokens=_counters(tokens)["tokens"],
        ),
        # `verdict` repeats what `judge` said and adds its own, so its histogram is the whole of it.
        rejected=_reasons(verdict),
        judged=_size("kept", verdict),
        duplicates={reason: n for reason, n in _reasons(write).items() if not _template(reason)},
        deduplicated=_size("deduplicated", write),
        emptied={reason: n for reason, n in _reasons(write).items() if _template(reason)},
        written=Size(
            documents=_counters(write)["written"],
            characters=_counters(write)["written.characters"],
            tokens=_counters(write)["written.tokens"],
        ),
    )


def samples(outcome: Outcome, source: str, one_in: Mapping[str, int]) -> list[Sample]:
    """What the samples of the passed by say. `one_in`: 'gate' or 'index' -> N of the sample that the recipe asks for."""
    extract, write = _counters(outcome.of("extract", source)), _counters(outcome.of("write", source))
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
    counted = _counters(outcome.of("write", source))
    return {name.removeprefix(f"{what}."): n for name, n in sorted(counted.items()) if name.startswith(f"{what}.")}


def _counters(markers: Sequence[Committed]) -> Counter[str]:
    return _sum([marker.counters for marker in markers])


def _reasons(markers: Sequence[Committed]) -> dict[str, int]:
    return dict(sorted(_sum([marker.reasons for marker in markers]).items()))


def _sum(counts: Sequence[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total


def _size(what: str, markers: Sequence[Committed]) -> Size:
    total = _counters(markers)
    return Size(documents=total[what], characters=total[f"{what}.characters"], tokens=total[f"{what}.tokens"])


def _template(reason: str) -> bool:
    return reason in REASONS
