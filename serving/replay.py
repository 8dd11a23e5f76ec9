"""Replay: recorded answers computed again from their records, in groups, through the one pipeline.

The package, the overlay and the book are found by the digests in the record, so that answers of retired models
replay too. What comes out is the same bytes, or which digest differs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eco_credit.core.canonical import canonical_json, digest
from eco_credit.core.errors import EcoCreditError, ModelNotServable
from serving.audit import Recorded
from serving.audit.environment import environment
from serving.kept import find

if TYPE_CHECKING:
    from eco_credit.registry import Package
    from eco_credit.rulebook import RuleSet
    from eco_credit.scoring.score import Scored
    from eco_credit.valuation import LenderBook

GROUP = 1024
"""Records computed together: what a replay holds in memory at once."""
_DIGESTS = {
    "contract": "contract", "rules": "rules_hash", "overlay": "overlay_hash", "book": "book_hash",
    "code": "code_version", "input": "input_hash",
}  # fmt: skip
"""What a digest of the provenance stands for, and its name there."""
_Model = tuple[str, str, str]
_Key = tuple[_Model, str, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one answer.

    Attributes:
        decision_id: the answer.
        sequence: its place in the tenant's chain.
        differs: parts of the answer that are not the same, ``bytes`` where only its writing differs, ``refused``
            where it cannot be computed; empty for the same bytes.
        digests: what the answer was made with and is another now: name to digest recorded and digest now.
        why: why it could not be computed, or None.
        erased: the key of its borrower is gone, so that there is nothing left to compute it from.
    """

    decision_id: str
    sequence: int
    differs: tuple[str, ...] = ()
    digests: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    why: str | None = None
    erased: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain data for a report."""
        made = {what: {"recorded": then, "now": now} for what, (then, now) in self.digests.items()}
        plain: dict[str, Any] = {"decision_id": self.decision_id, "sequence": self.sequence, "erased": self.erased}
        plain |= {"differs": list(self.differs), "digests": list(self.digests), "values": made}
        return plain if self.why is None else plain | {"why": self.why}


@dataclass
class Replayer:
    """Computes recorded answers again.

    Attributes:
        home: store folder with packages and what was kept.
        overlay: rule values to use instead of those in the record, or None to take the kept ones.
        book: book to use instead of the one in the record, or None to take the kept one.
    """

    home: Path
    overlay: Path | None = None
    book: LenderBook | None = None
    _packages: dict[_Model, Package | str] = field(default_factory=dict)
    _books: dict[str | None, LenderBook] = field(default_factory=dict)

    def replay(self, records: Iterable[Recorded]) -> Iterator[Replayed]:
        """Compute answers again, a group at a time; one result per record, in order.

        Args:
            records: records of kind ``score``.
        """
        source = iter(records)
        while group := list(islice(source, GROUP)):
            found = iter(self._group([_Then(record) for record in group if not record.erased]))
            for record in group:
                gone = Replayed(record.entry.decision_id, record.sequence, erased=True)
                yield gone if record.erased else next(found)

    def _group(self, group: Sequence[_Then]) -> list[Replayed]:
        alike: dict[_Key, list[int]] = {}
        for place, then in enumerate(group):
            alike.setdefault(then.key, []).append(place)
        found: dict[int, Replayed] = {}
        for key, places in alike.items():
            found |= dict(zip(places, self._alike(key, [group[place] for place in places]), strict=True))
        return [found[place] for place in range(len(group))]

    def _alike(self, key: _Key, group: Sequence[_Then]) -> list[Replayed]:
        """Compute answers of one package, day, overlay and book; if the pass breaks, each alone."""
        package = self._package(key[0])
        if isinstance(package, str):
            gone = {"model": (key[0][1], None)}
            return [Replayed(t.decision_id, t.record.sequence, ("refused",), gone, package) for t in group]
        try:
            return self._pass(key, group, package)
        except Exception as error:
            if len(group) > 1:
                return [self._alike(key, [then])[0] for then in group]
            why = error.code if isinstance(error, EcoCreditError) else type(error).__name__
            return [Replayed(group[0].decision_id, group[0].record.sequence, ("refused",), group[0].contract_now, why)]

    def _pass(self, key: _Key, group: Sequence[_Then], package: Package) -> list[Replayed]:
        from eco_credit.contracts import flatten, read_application
        from eco_credit.scoring import score_applications

        data = [read_application(json.loads(then.record.entry.request)) for then in group]
        rules = self._rules(key[1], key[2])
        scored = score_applications(flatten(data), rules, package, self._held(key[3]))
        features = scored.feature_digests()
        return [_compared(then, scored, row, (digest(data[row]), features[row])) for row, then in enumerate(group)]

    def _rules(self, day: str, overlay: str | None) -> RuleSet:
        from eco_credit.rulebook import load

        kept = find(self.home, "overlay", overlay) if overlay is not None and self.overlay is None else self.overlay
        return load(kept).at(day)

    def _held(self, wanted: str | None) -> LenderBook:
        from eco_credit.valuation import EMPTY

        if self.book is not None or wanted is None:
            return self.book or EMPTY
        if wanted not in self._books:
            from serving.book import read_book

            path = find(self.home, "book", wanted)
            self._books[wanted] = EMPTY if path is None else read_book(path)
        return self._books[wanted]

    def _package(self, key: _Model) -> Package | str:
        """The package of a name, digest and version, or why there is none."""
        name, digest, version = key
        if key not in self._packages:
            from eco_credit.registry import Store, load_package

            store = Store(self.home)
            try:
                folder = store.served_folder(name) / digest
                if not folder.is_dir():
                    raise ModelNotServable("the store no longer holds this model package", "存储中已无该模型包")
                package = load_package(folder, store.trusted(), version=version)
                if package.digest != digest:
                    raise ModelNotServable("the folder holds another package than its name says", "模型包与目录名不符")
                self._packages[key] = package
            except ModelNotServable as error:
                self._packages[key] = error.en
        return self._packages[key]


class _Then:
    """A record with its answer read."""

    def __init__(self, record: Recorded) -> None:
        self.record, self.decision_id = record, record.entry.decision_id
        self.answer: dict[str, Any] = json.loads(record.entry.answer)
        self.behind: dict[str, Any] = self.answer["provenance"]
        self.model: dict[str, Any] = self.behind["models"][0]

    @property
    def key(self) -> _Key:
        """What answers that are computed together share; a model's version is part of the bytes."""
        model = str(self.model["name"]), self.record.entry.model_digest, str(self.model["version"])
        return model, str(self.behind["rules_day"]), self.behind["overlay_hash"], self.behind["book_hash"]

    @cached_property
    def contract_now(self) -> dict[str, tuple[Any, Any]]:
        """The contract, if it is another now."""
        from serving.pipeline import contract_reference

        now = contract_reference("application")
        return {} if now == self.behind["contract"] else {"contract": (self.behind["contract"], now)}


def _compared(then: _Then, scored: Scored, row: int, seen: tuple[str, str]) -> Replayed:
    entry, sequence = then.record.entry, then.record.sequence
    answer = scored.answer(row, input_hash=seen[0], decision_id=then.decision_id)
    if canonical_json(answer) == entry.answer:
        return Replayed(then.decision_id, sequence)
    parts = tuple(sorted(n for n in {*answer, *then.answer} if answer.get(n) != then.answer.get(n)))
    now, before = answer["provenance"], then.behind
    digests = {
        what: (before.get(n), now.get(n)) for what, n in _DIGESTS.items() if now.get(n) != before.get(n)
    }
    for what, recorded, current in (
        ("features", entry.features, seen[1]),
        ("environment", entry.environment, environment()),
    ):
        if recorded and recorded != current:
            digests[what] = (recorded, current)
    return Replayed(then.decision_id, sequence, parts or ("bytes",), digests)
