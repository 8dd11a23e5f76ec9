"""What the risk team's page shows: champion and challenger in words, the way there, and what is proposed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from eco_credit.core.errors import EcoCreditError, ModelNotServable
from eco_credit.registry.keys import APPROVER
from eco_credit.registry.pointer import Pointer, check_chain, earlier, read_history
from eco_credit.registry.promote import red_gates
from eco_credit.registry.proposals import OPEN, Proposal, candidates, proposals, recorded_gate
from eco_credit.registry.store import ALIASES, CHAMPION, Store
from eco_credit.reports.formats import UNKNOWN, percent
from eco_credit.reports.validation_report_gates import COLOURS, GateLine, area, counts, gate_lines, with_span
from eco_credit.reports.validation_report_tier import tier_lines, tier_warnings
from serving.access import DEMO, Permission, Principal
from serving.shadow import shadow_path, summary
from serving.web.pages import Page

if TYPE_CHECKING:
    from eco_credit.registry import Package
    from serving.state import State

_Found = TypeVar("_Found")
MOST_HISTORY = 50
"""Promotions and rollbacks listed, the newest."""


def store_of(state: State) -> Store:
    """The store behind the service, with the service's own clock."""
    return Store(state.settings.home, clock=state.clock)


class Overview:
    """Everything on the page, read once; what cannot be read becomes a line among the alarms."""

    def __init__(self, state: State, page: Page, by: Principal) -> None:
        """Read the store for one reader."""
        self.state, self.page, self.by = state, page, by
        self.store, self.name = store_of(state), state.settings.model_name
        self.alarms: list[dict[str, str]] = []
        self.chains = {alias: self._read(partial(self._chain, alias)) or [] for alias in ALIASES}

    def _read(self, read: Callable[[], _Found]) -> _Found | None:
        try:
            return read()
        except (EcoCreditError, OSError) as error:
            told = getattr(error, self.page.lang, None) or type(error).__name__
            if told not in [one["why"] for one in self.alarms]:
                self.alarms.append({"of": self.page.t("models.store"), "why": told})
            return None

    def _chain(self, alias: str) -> list[Pointer]:
        trusted = self.store.trusted()
        return check_chain(read_history(self.store.pointer_path(self.name, alias), trusted), trusted)

    def values(self) -> dict[str, Any]:
        """Values of the template."""
        champions, challengers = self.state.champions, self.state.challengers
        for alias, holder in (("champion", champions), ("challenger", challengers)):
            if holder.alarm is not None:
                of = self.page.t(f"models.alias.{alias}")
                self.alarms.append({"of": of, "why": f"{holder.alarm}: {holder.why}"})
        served = [(alias, holder.found) for alias, holder in (("champion", champions), ("challenger", challengers))]
        cards = [self._card(alias, found.package) for alias, found in served if found is not None]
        return {
            "cards": cards, "shadow": self._shadow(), "history": self._history(), **self._acts(),
            "alarms": self.alarms, "refresh": f"{self.state.settings.refresh_seconds:g}",
            "shadow_on": self.state.settings.shadow,
        }  # fmt: skip

    # ---- champion and challenger ----------------------------------------------------------------

    def _card(self, alias: str, package: Package) -> dict[str, Any]:
        chain, t = self.chains[alias], self.page.t
        pointer = chain[-1] if chain else None
        lines = gate_lines(package.gate.get("gates"), self.page.lang)
        return {
            "alias": alias, "name": package.name, "version": package.version, "digest": package.digest,
            "synthetic": package.synthetic, "pointer": pointer, "waiting": pointer and pointer.digest != package.digest,
            "tier": tier_lines(package, t), "warnings": tier_warnings(package, t), "figures": figures(package.gate, t),
            **gates_in_words(lines),
        }  # fmt: skip

    def _shadow(self) -> dict[str, Any] | None:
        """How far both agree on the reader's own decisions; None without any."""
        found = self._read(lambda: summary(shadow_path(self.state.settings.home), self.by.tenant))
        if found is None or not found["rows"]:
            return None
        t = self.page.t
        quantiles = [
            (t(f"models.quantity.{name}"), [_figure(name, cut) for cut in found[name]["difference"].values()],
             _figure(name, found[name]["mean_absolute"]))
            for name in ("pd", "lgd", "score") if found[name]["difference"]
        ]  # fmt: skip
        grades, said = _square(found["grade"]), _square(found["recommendation"])
        named = {one: t(f"recommendation.{one}") for one in ("approve", "refer", "decline")}
        in_words = [named.get(one, one) for one in said["names"]]
        rows = [(named.get(one, one), cells) for one, cells in said["rows"]]
        changed = said["of"] - said["same"]
        return found | {"quantiles": quantiles, "grades": grades, "changed": changed,
                        "said": said | {"names": in_words, "rows": rows}}  # fmt: skip

    def _history(self) -> list[Pointer]:
        """Promotions and rollbacks of every alias, newest first."""
        every = [pointer for chain in self.chains.values() for pointer in chain]
        return sorted(every, key=lambda one: (one.at, one.sequence), reverse=True)[:MOST_HISTORY]

    # ---- what may be done -----------------------------------------------------------------------

    def _acts(self) -> dict[str, Any]:
        """Open and settled proposals, and what the reader may do about them."""
        asked = self._read(lambda: proposals(self.store, self.name)) or []
        ready = self._read(lambda: candidates(self.store, self.name)) or {}
        waiting = [one for one in asked if one.state == OPEN]
        proposed = {one.asked.digest for one in waiting}
        champions = self.chains[CHAMPION]
        back = earlier(champions) if champions else None
        return {
            "open": [self._proposal(one) for one in waiting], "settled": [one for one in asked if one.state != OPEN],
            "candidates": [one for digest, one in ready.items() if digest not in proposed],
            "back": back, "seen": len(champions), "signer": self.by.signer, "reader_is_demo": self.by is DEMO,
            "enrolled": self.by.may(Permission.PROMOTE) and self._enrolled(),
        }  # fmt: skip

    def _enrolled(self) -> bool:
        try:
            self.store.signer(self.by.signer, APPROVER)
        except ModelNotServable:
            return False
        return True

    def _proposal(self, one: Proposal) -> dict[str, Any]:
        gate = self._read(lambda: recorded_gate(self.store, self.name, one.asked.digest)) or {}
        lines = gate_lines(gate.get("gates"), self.page.lang)
        needs_waiver = bool(red_gates(gate)) or gate.get("status") == "red"
        return {"asked": one.asked, "needs_waiver": needs_waiver, **gates_in_words(lines)}


def gates_in_words(lines: list[GateLine]) -> dict[str, Any]:
    """Lights counted, and the gates that are red or amber by number and name."""
    shut = [line for colour in ("red", "amber") for line in lines if line.colour == colour]
    return {"counted": [(colour, counts(lines)[colour]) for colour in COLOURS] if lines else [], "shut": shut}


def figures(gate: Mapping[str, Any], t: Callable[..., str]) -> list[tuple[str, str]]:
    """AUC, KS, Brier score and slope of the calibration as the package records them, with their 95 % intervals."""
    pd = (gate.get("statistics") or {}).get("pd") or {}
    if not pd:
        return []
    cox = pd.get("cox") or {}
    return [
        (t("validation.auc"), with_span(pd.get("auc"))), (t("validation.ks"), area(pd.get("ks"))),
        (t("validation.word.brier"), with_span(pd.get("brier"))),
        (t("validation.word.cox_slope"), with_span(cox.get("slope"))),
        (t("validation.word.cox_intercept"), with_span(cox.get("intercept"))),
        (t("validation.default_rate"), with_span(pd.get("default_rate"), rate=True)),
        (t("validation.mean_pd"), percent(pd.get("mean_pd"))),
    ]  # fmt: skip


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:+.1f}" if name == "score" else f"{100.0 * value:+.3f}%"


def _square(moves: Mapping[str, Any]) -> dict[str, Any]:
    """Counts from one model's word to the other's, as a square table."""
    found = moves["from_to"]
    names = sorted({*found, *(name for line in found.values() for name in line)})
    rows = [(name, [found.get(name, {}).get(other, 0) for other in names]) for name in names]
    return {"names": names, "rows": rows, "same": moves["same"], "of": moves["rows"]}
