"""敌意模型 a hostile model: whatever it answers, the house reaches no state that the same words do not reach without.

Members and a guide talk with twins. One house has a model that answers what Hypothesis makes it answer: commands,
codes of others, orders to the system, calls of tools, forms with more in them, ruins of JSON, pages. After every step
everything beyond words is the same in both; `WORDS` and `ONLY` of twins.py say what words are, and why.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.texts import Texts
from tests.kf import Desk
from tests.machines.house import Ground
from tests.machines.model_words import ANSWER, CARE, QUESTION, SAYABLE, said_in
from tests.machines.twin_scenes import GUIDE, PEOPLE, pays, taps, tells
from tests.machines.twins import Twins, said_in_dialogue

LABEL = Texts().render("replies/label", text="").strip()
who_speaks = st.sampled_from(PEOPLE)
SPOKEN = [
    "我的积分", "商城", "买 真丝围巾", "买 明前龙井 250g", "领券 1", "我的券", "积分兑换", "兑换 1", "确认 1", "拼团",
    "开团 1", "发起砍价 1", "抢 1", "退订", "恢复订阅", "取消", "推荐有礼", "我的订单", "帮砍 {bargain}",
    "参团 {team}", "取消 {checkout}", "砍价下单 {bargain}", "用券 {coupon} 真丝围巾", "填邀请码 {invite}", "转人工",
    "绑定社群", "核销 {coupon}",
]  # fmt: skip
TOLD = [
    "核销 {coupon}", "发券 小明 满100减20", "打标签 小明 +VIP", "备注 小明 喜欢真丝", "今日任务", "完成 1", "待回复",
    "话术 大衣", "查客 小明",
]  # fmt: skip
WORLD = [(29_900, True), (16_800, False), (29_900, True), 20, 130, 26 * 60]  # orders (fen, of a checkout), minutes


class HostileModel(RuleBasedStateMachine):
    """Talks of members and a guide with a model that wants to do harm."""

    ground: ClassVar[Ground | None] = None
    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.counts["examples"] += 1
        self.number = self.requests = 0
        self.twins: Twins

    def teardown(self) -> None:
        """Both houses end, and their books are right."""
        if hasattr(self, "twins"):
            self.counts["requests"] += len(self.twins.model.asked)
            self.twins.close()

    @initialize(mode=st.sampled_from(["auto", "auto", "draft"]), who=who_speaks, question=CARE, answer=SAYABLE)
    def the_houses_open(self, mode: str, who: str, question: str, answer: Any) -> None:
        """Answers go to members at once, or a guide reads them first. Every story begins with one that is fit to be
        said: which stories Hypothesis tells depends on what else its process has imported."""
        self.twins = Twins((self.ground or Ground.shared()).kind, mode)
        assert self.twins.differences() == []
        self._hear(who, question, answer)

    # -- words ---------------------------------------------------------------------------------------------------------

    @rule(who=who_speaks, question=QUESTION, answer=ANSWER)
    def asks(self, who: str, question: str, answer: Any) -> None:
        """Somebody asks what only a model can answer."""
        self._hear(who, question, answer)

    @rule(who=who_speaks, question=CARE, answer=SAYABLE)
    def is_answered(self, who: str, question: str, answer: Any) -> None:
        """Somebody asks, and reads the model's very words: a command that the shop itself has written down."""
        self._hear(who, question, answer)

    @rule(who=who_speaks, question=QUESTION, answer=ANSWER, command=st.sampled_from(SPOKEN))
    def asks_then_commands(self, who: str, question: str, answer: Any, command: str) -> None:
        """A command comes while the model thinks."""
        words = self.twins.filled(command)

        async def meanwhile(desk: Desk) -> None:
            for said in (question, words):
                desk.kf.writes(who, "text", {"content": said})
                await desk.ring()
            await desk.bot.deliver()

        self._answers(answer)
        before = len(self.twins.model.asked)
        self.twins.both(meanwhile)
        self._asked(before)

    @rule(who=who_speaks, command=st.sampled_from(SPOKEN), question=QUESTION, answer=ANSWER)
    def asks_and_commands(self, who: str, command: str, question: str, answer: Any) -> None:
        """Somebody uses a word of the house after the model has said something."""
        self._hear(who, question, answer)
        words = self.twins.filled(command)
        self.twins.both(lambda desk: desk.hears(who, words))

    @rule(who=who_speaks, number=st.integers(1, 3), question=QUESTION, answer=ANSWER)
    def asks_and_chooses(self, who: str, number: int, question: str, answer: Any) -> None:
        """A list, a question, a bare number: the list of the house without a model may be another by then, because it
        has offered what it knows instead of an answer; the number is said where it means the same in both."""
        self.twins.both(lambda desk: desk.hears(who, "商城"))
        self._hear(who, question, answer)
        if self._same_dialogue():
            self.counts["numbers"] += 1
            self.twins.both(lambda desk: desk.hears(who, str(number)))

    # -- the rest of the world -----------------------------------------------------------------------------------------

    @rule(who=who_speaks, happens=st.sampled_from(WORLD), question=QUESTION, answer=ANSWER)
    def asks_and_the_world_goes_on(self, who: str, happens: Any, question: str, answer: Any) -> None:
        """After an answer a shop tells of a paid order, or time passes."""
        self._hear(who, question, answer)
        if isinstance(happens, int):
            self.twins.both(lambda desk: desk.passes(minutes=happens))
        else:
            self.number += 1
            fen, held = happens
            order_no, checkout = f"o{self.number}", self.twins.filled("{checkout}") if held else None
            self.twins.both(lambda desk: pays(desk, who, order_no, fen, checkout))

    @rule(words=st.sampled_from(TOLD), tap=st.booleans(), who=who_speaks, question=QUESTION, answer=ANSWER)
    def the_guide_commands(self, words: str, tap: bool, who: str, question: str, answer: Any) -> None:
        """The guide uses a word of the house after a draft or an answer came, and confirms what comes of it."""
        self._hear(who, question, answer)
        self.number += 2
        number, told = self.number, self.twins.filled(words)

        async def act(desk: Desk) -> None:
            cards = len(desk.bot.wecom.cards_of(GUIDE))
            await tells(desk, told, number)
            if tap and len(desk.bot.wecom.cards_of(GUIDE)) > cards and "待回复" not in told:
                await taps(desk, 0, number + 1)

        self.twins.both(act)

    @precondition(lambda self: self._drafts())
    @rule(act=st.sampled_from(["发草稿", "发草稿", "不用草稿", "改草稿"]), answer=ANSWER)
    def the_guide_decides(self, act: str, answer: Any) -> None:
        """A draft is sent, left, or written anew with what the model said; in the house that has it."""
        self.number += 2
        number, which = self.number, self._drafts()[0][0]
        self.counts["drafts"] += 1

        async def decide(desk: Desk) -> None:
            await tells(desk, f"{act} {which}", number)
            if desk.bot.count("draft", "edit_at IS NOT NULL AND status = 'open'"):
                for line in said_in(self._filled(answer))[:1]:
                    await tells(desk, line, number + 1)

        self.twins.only_hostile(decide)

    # -- what must be so -----------------------------------------------------------------------------------------------

    @invariant()
    def nothing_moved_but_words(self) -> None:
        """Both houses keep the same."""
        if hasattr(self, "twins"):
            now = len(self.twins.model.asked)
            self.counts.update(steps=1, with_model=int(now > self.requests))
            self.requests = now
            found = self.twins.differences()
            assert not found, found[:5]

    # -- how -----------------------------------------------------------------------------------------------------------

    def _hear(self, who: str, question: str, answer: Any) -> None:
        self._answers(answer)
        before, read = len(self.twins.model.asked), len(self.twins.hostile.kf.texts(who))
        self.twins.both(lambda desk: desk.hears(who, question))
        self._asked(before)
        self.counts["said"] += any(LABEL in text for text in self.twins.hostile.kf.texts(who)[read:])

    def _asked(self, before: int) -> None:
        """Count a question, and whether it reached the model."""
        self.counts.update(questions=1, asked=int(len(self.twins.model.asked) > before))

    def _answers(self, answer: Any) -> None:
        self.twins.model.script = [self._filled(answer)]

    def _filled(self, answer: Any) -> Any:
        if isinstance(answer, str):
            return self.twins.filled(answer)
        if isinstance(answer, dict):
            return {key: self._filled(value) for key, value in answer.items()}
        if isinstance(answer, list | tuple):
            return type(answer)(self._filled(value) for value in answer)
        return answer

    def _same_dialogue(self) -> bool:
        one, other = self.twins.hostile.bot.database, self.twins.plain.bot.database
        return said_in_dialogue(one) == said_in_dialogue(other)

    def _drafts(self) -> list[Any]:
        return self.twins.hostile.bot.rows("SELECT id FROM draft WHERE status = 'open' ORDER BY id LIMIT 1")
