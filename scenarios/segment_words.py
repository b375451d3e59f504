"""人群规则的话 segment_words: what a rule says, and what is wrong with one, in words for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from bot.clock import shown
from bot.texts import Texts, yuan
from storage.segment_rule import LOST_DAYS, NEW_DAYS, RFM_DAYS, SLEEPING_DAYS, Amount, Facts, Rule, Span, Wrong

STAGE_DAYS = {"new": NEW_DAYS, "prospect": NEW_DAYS, "lost": LOST_DAYS}
# Every sentence by its full name, so that whoever looks for one finds where it is said.
SENTENCES = frozenset({
    "segments/all_of", "segments/at_least", "segments/at_most", "segments/between", "segments/birthday_months",
    "segments/birthday_today", "segments/birthday_within", "segments/channels", "segments/comma",
    "segments/consent_in", "segments/consent_none", "segments/consent_out", "segments/coupons", "segments/everyone",
    "segments/excludes_all", "segments/field", "segments/guides", "segments/integer", "segments/joined",
    "segments/last_order", "segments/least_above_most", "segments/least_limit", "segments/list", "segments/missing",
    "segments/moment", "segments/most_limit", "segments/name_taken", "segments/no_bound", "segments/no_json",
    "segments/no_segment", "segments/no_tag_rule", "segments/no_zone", "segments/not_yours",
    "segments/store_only", "segments/nobody_has", "segments/not_within", "segments/object",
    "segments/one_birthday", "segments/one_of", "segments/orders", "segments/orders_lately", "segments/points",
    "segments/rfm", "segments/rfm_f", "segments/rfm_m", "segments/rfm_r", "segments/says_nothing",
    "segments/semicolon", "segments/since", "segments/spend", "segments/spend_lately", "segments/stage_first",
    "segments/stage_lost", "segments/stage_new", "segments/stage_prospect", "segments/stage_repeat",
    "segments/stage_sleeping", "segments/stages", "segments/store_types", "segments/stores", "segments/tags",
    "segments/text",
    "segments/tiers", "segments/too_few", "segments/too_many", "segments/unknown", "segments/unknown_known",
    "segments/unknown_near", "segments/until", "segments/within", "segments/within_store", "segments/without",
    "segments/wrong",
})  # fmt: skip
LISTS = ("tiers", "stores", "store_types", "channels", "guides", "coupons")


class Words:
    """The sentences of prompts/segments/."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def say(self, name: str, /, **values: object) -> str:
        """One sentence."""
        full = f"segments/{name}"
        assert full in SENTENCES, full
        return self._texts.render(full, **values)

    def listed(self, items: Iterable[object]) -> str:
        """A、B、C."""
        return self.say("comma").join(map(str, items))

    def rule(self, rule: Rule) -> str:
        """Who a rule chooses."""
        within = [self.say("within_store", store=rule.within_store)] if rule.within_store else []
        who = self.facts(rule, within)
        if not rule.exclude:
            return who
        return self.say("without", who=who, out=self.say("semicolon").join(map(self.facts, rule.exclude)))

    def facts(self, facts: Facts, within: Sequence[str] = ()) -> str:
        """What must hold at once."""
        lines = [*within, *self._who(facts), *self._bought(facts), *self._has(facts)]
        return self.say("all_of", lines=self.say("semicolon").join(lines)) if lines else self.say("everyone")

    def _who(self, facts: Facts) -> Iterator[str]:
        for of in facts.tags:
            yield self.say("tags", group=of.group, any=self.listed(of.any))
        for name in LISTS:
            if words := getattr(facts, name):
                yield self.say(name, any=self.listed(words))
        for field in facts.fields:
            yield self.say("field", name=field.name, any=self.listed(field.any))
        if facts.stages:
            yield self.say("stages", any=self.listed(map(self._stage, facts.stages)))
        if facts.joined:
            yield self.say("joined", span=self._span(facts.joined))

    def _stage(self, stage: str) -> str:
        days = STAGE_DAYS.get(stage, SLEEPING_DAYS)
        more = {"lost": LOST_DAYS} if stage == "sleeping" else {}
        return self.say(f"stage_{stage}", days=days, **more)

    def _bought(self, facts: Facts) -> Iterator[str]:
        if facts.last_order:
            yield self.say("last_order", span=self._span(facts.last_order))
        if facts.orders:
            yield self._amount("orders", facts.orders, str)
        if facts.spend_fen:
            yield self._amount("spend", facts.spend_fen, yuan)
        if facts.rfm:
            cells = {name: getattr(facts.rfm, name) for name in "rfm"}
            said = [self.say(f"rfm_{name}", any=self.listed(cell)) for name, cell in cells.items() if cell]
            yield self.say("rfm", days=RFM_DAYS, cells=self.listed(said))

    def _has(self, facts: Facts) -> Iterator[str]:
        if facts.points:
            yield self.say("points", range=self._range(facts.points, str))
        if (born := facts.birthday) is not None:
            if born.months:
                yield self.say("birthday_months", months=self.listed(born.months))
            elif born.within_days:
                yield self.say("birthday_within", days=born.within_days)
            else:
                yield self.say("birthday_today")
        if facts.consent:
            yield self.say(f"consent_{facts.consent}")

    def _amount(self, name: str, of: Amount, unit: Any) -> str:
        values = {"range": self._range(of, unit)}
        return self.say(f"{name}_lately", days=of.within_days, **values) if of.within_days else self.say(name, **values)

    def _range(self, of: Any, unit: Any) -> str:
        if of.most is None:
            return self.say("at_least", least=unit(of.least))
        if of.least is None:
            return self.say("at_most", most=unit(of.most))
        return self.say("between", least=unit(of.least), most=unit(of.most))

    def _span(self, of: Span) -> str:
        parts = []
        if of.within_days is not None:
            parts.append(self.say("within", days=of.within_days))
        if of.not_within_days is not None:
            parts.append(self.say("not_within", days=of.not_within_days))
        if of.since is not None:
            parts.append(self.say("since", at=shown(of.since)))
        if of.until is not None:
            parts.append(self.say("until", at=shown(of.until)))
        return self.listed(parts)

    # -- what is wrong ------------------------------------------------------------------------------------------------

    def wrong(self, error: ValidationError) -> tuple[str, str]:
        """The first field that is wrong, by its path, and what to do about it."""
        first = error.errors()[0]
        path = [str(part) for part in first["loc"]]
        kind, context = first["type"], first.get("ctx", {})
        if kind == "value_error" and isinstance(context["error"], Wrong):
            ours = context["error"]
            return ".".join([*path, ours.field] if ours.field else path), self.say(ours.text)
        return ".".join(path), self._remedy(kind, path, context, first["msg"])

    def _remedy(self, kind: str, path: list[str], context: Any, message: str) -> str:
        if kind == "extra_forbidden":
            known = list(Rule.model_fields if len(path) == 1 else Facts.model_fields)
            near = get_close_matches(path[-1], known, n=1, cutoff=0.5)
            hint = (
                self.say("unknown_near", near=near[0]) if near else self.say("unknown_known", known=self.listed(known))
            )
            return self.say("unknown", field=path[-1], hint=hint)
        if kind == "literal_error":
            return self.say("one_of", known=self.listed(re.findall(r"'([^']+)'", str(context["expected"]))))
        if kind in PLAIN:
            return self.say(PLAIN[kind])
        for start, (text, limit) in LIMITS.items():
            if kind.startswith(start):
                return self.say(text, limit=context[limit])
        return self.say("wrong", why=message)


PLAIN = {
    "missing": "missing", "int_type": "integer", "int_parsing": "integer", "string_type": "text", "list_type": "list",
    "model_type": "object", "model_attributes_type": "object", "dict_type": "object", "json_invalid": "no_json",
    "datetime_type": "moment", "datetime_parsing": "moment", "datetime_from_date_parsing": "moment",
}  # fmt: skip
LIMITS = {
    "greater_than_equal": ("least_limit", "ge"),
    "less_than_equal": ("most_limit", "le"),
    "too_short": ("too_few", "min_length"),
    "string_too_short": ("too_few", "min_length"),
    "too_long": ("too_many", "max_length"),
    "string_too_long": ("too_many", "max_length"),
}
