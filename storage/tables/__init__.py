"""Every table of the house, declared once.

Ids are ours (`storage.ids`): rows can be collected and written set by set without asking the database for a key.
Times are `UtcDateTime`, points and fen are integers, free-form data is JSON text. There are no foreign keys on the hot
tables: rows of one transaction are written in bulk and in any order; `storage.checks` proves the references instead.
"""

from __future__ import annotations

from storage.tables.broadcasts import Audience, AudienceChat, Broadcast, BroadcastTask
from storage.tables.buying import PointsAct, Redemption
from storage.tables.community import CommunityGroup, LinkCode
from storage.tables.desk import GuideTask, Handout, MemberName, MemberNote, OrderGuide, PhoneTail, Tag
from storage.tables.distribution import (
    Commission,
    CommissionLine,
    DistributionCustomer,
    Distributor,
    DistributorChange,
    Payout,
)
from storage.tables.drives import (
    Bargain,
    BargainCut,
    Campaign,
    Referral,
    ReferralCode,
    Reward,
    Team,
    TeamSeat,
)
from storage.tables.groups import Card, GroupAsset, GroupDay, GroupLeft, GroupOwnerDay
from storage.tables.imports import ImportField, ImportRow, ImportRun, ImportTag
from storage.tables.journeys import Journey, JourneyNote, JourneyRun, JourneySwitch
from storage.tables.kf import KfAccount, KfSession
from storage.tables.knowledge import KnowledgeArticle, KnowledgeChunk, KnowledgeTerm, KnowledgeVersion, Question
from storage.tables.launches import Launch, LaunchMoment, Post
from storage.tables.media import Media, MediaSender, MediaUpload
from storage.tables.model import ModelCall
from storage.tables.outreach import (
    Consent,
    ConsentAct,
    MemberField,
    MemberProfile,
    MemberStats,
    OutreachCap,
    OutreachRule,
    Segment,
    Touch,
)
from storage.tables.people import ContactWay, Follow, GroupChat, GroupMember, Identity, Member, MemberTag, Merge
from storage.tables.replies import Conversation, Draft
from storage.tables.runtime import AuditLog, Dialogue, Inbox, Outbox, Sequence, Timer
from storage.tables.salons import Salon, SalonSeat
from storage.tables.shop import Checkout, CouponTemplate, Order, OrderRefund, Product, Refund, Store
from storage.tables.staff import ApiToken, Approval, AuditHead, AuditLink, Staff
from storage.tables.tags import CorpMark, CorpTag, RfmScale, TagGroup, TagRule, TagRuleVersion, TagRun
from storage.tables.tiers import MemberTier, TierCard, TierChange, TierRule
from storage.tables.timetables import Timetable, TimetableSession
from storage.tables.value import Balance, Coupon, Grant, PointsLot, Stock, Transfer

__all__ = [
    "ApiToken",
    "Approval",
    "Audience",
    "AudienceChat",
    "AuditHead",
    "AuditLink",
    "AuditLog",
    "Balance",
    "Bargain",
    "BargainCut",
    "Broadcast",
    "BroadcastTask",
    "Campaign",
    "Card",
    "Checkout",
    "Commission",
    "CommissionLine",
    "CommunityGroup",
    "Consent",
    "ConsentAct",
    "ContactWay",
    "Conversation",
    "CorpMark",
    "CorpTag",
    "Coupon",
    "CouponTemplate",
    "Dialogue",
    "DistributionCustomer",
    "Distributor",
    "DistributorChange",
    "Draft",
    "Follow",
    "Grant",
    "GroupAsset",
    "GroupChat",
    "GroupDay",
    "GroupLeft",
    "GroupMember",
    "GroupOwnerDay",
    "GuideTask",
    "Handout",
    "Identity",
    "ImportField",
    "ImportRow",
    "ImportRun",
    "ImportTag",
    "Inbox",
    "Journey",
    "JourneyNote",
    "JourneyRun",
    "JourneySwitch",
    "KfAccount",
    "KfSession",
    "KnowledgeArticle",
    "KnowledgeChunk",
    "KnowledgeTerm",
    "KnowledgeVersion",
    "Launch",
    "LaunchMoment",
    "LinkCode",
    "Media",
    "MediaSender",
    "MediaUpload",
    "Member",
    "MemberField",
    "MemberName",
    "MemberNote",
    "MemberProfile",
    "MemberStats",
    "MemberTag",
    "MemberTier",
    "Merge",
    "ModelCall",
    "Order",
    "OrderGuide",
    "OrderRefund",
    "Outbox",
    "OutreachCap",
    "OutreachRule",
    "Payout",
    "PhoneTail",
    "PointsAct",
    "PointsLot",
    "Post",
    "Product",
    "Question",
    "Redemption",
    "Referral",
    "ReferralCode",
    "Refund",
    "Reward",
    "RfmScale",
    "Salon",
    "SalonSeat",
    "Segment",
    "Sequence",
    "Staff",
    "Stock",
    "Store",
    "Tag",
    "TagGroup",
    "TagRule",
    "TagRuleVersion",
    "TagRun",
    "Team",
    "TeamSeat",
    "TierCard",
    "TierChange",
    "TierRule",
    "Timer",
    "Timetable",
    "TimetableSession",
    "Touch",
    "Transfer",
]
