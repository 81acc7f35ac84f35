"""The values an event carries: sources, rates, quotas and the states of each kind of subject.

Every state is a *patch*: a field that is left out stays as it was, a field that is ``null`` is cleared.
Rates are in percent of the customs value unless ``of`` names another base.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Text = Annotated[str, Meta(min_length=1, max_length=4000)]
Line = Annotated[str, Meta(min_length=1, max_length=300)]
Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Partner = Annotated[
    str, Meta(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2, or EU", examples=["GB", "EU"])
]
SubjectKey = Annotated[
    str,
    Meta(
        pattern=r"^(measure:[a-z]{2}-[a-z0-9-]{1,80}|agreement:[a-z]{2}-[a-z]{2}(_[a-z]{2})*-[a-z0-9-]{1,80}|authority:[a-z]{2}-[a-z0-9-]{1,80}|partner:[A-Z]{2}|scope:[a-z0-9][a-z0-9-]{0,63})$",
        description="What an event is about: kind, colon, key. A measure's and an authority's key begins with its "
        "actor, an agreement's with its parties (us-gb-..., us-mx_ca-...); a scope's is its slug.",
        examples=["measure:us-ieepa-border-mx", "agreement:us-gb-epd", "partner:GB", "scope:cars"],
    ),
]
MeasureKey = Annotated[str, Meta(pattern=r"^measure:[a-z]{2}-[a-z0-9-]{1,80}$")]
AuthorityKey = Annotated[str, Meta(pattern=r"^authority:[a-z]{2}-[a-z0-9-]{1,80}$")]
Rival = Annotated[
    str,
    Meta(
        pattern=r"^(measure|authority):[a-z]{2}-[a-z0-9-]{1,80}$",
        description="A measure, or an authority: every measure under it.",
        examples=["measure:us-232-autos", "authority:us-section-232"],
    ),
]
When = Annotated[
    str,
    Meta(
        min_length=4,
        max_length=40,
        description="A date as stated: 2025, 2025-04, 2025-04-09, 'by 2025-04-09', or an instant with its offset.",
        examples=["2025-04-09", "2025-04-09T00:01-04:00"],
    ),
]
Percent = Annotated[float, Meta(ge=0, le=100_000)]


class Value(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The common shape of everything below: immutable, and strict about the names it knows."""


class Source(Value, frozen=True):
    """Who published it, where and when. ``kind`` is the tier: an official text, a party's own words, ..."""

    publisher: Line
    kind: Literal["official", "party", "press", "analysis", "data", "document"]
    title: Line | None = None
    url: Annotated[str, Meta(pattern=r"^https?://[^\s]+$", max_length=1000)] | None = None
    on: When | None = None


class Amount(Value, frozen=True):
    """A sum of money in a ``currency``, or a quantity of goods in a ``unit`` ("tonnes"). ``per``: for what ("item",
    which makes it a specific duty), or how often ("year")."""

    value: Annotated[float, Meta(ge=0)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] | None = None
    unit: Line | None = None
    per: Line | None = None

    def __post_init__(self) -> None:
        if (self.currency is None) is (self.unit is None):
            raise ValueError("needs either a currency (USD) or a unit (tonnes)")


class Rate(Value, frozen=True):
    """A duty rate: a number, a range ("up to" is ``at_most`` alone), a specific amount, a ban, or unknown. ``all_in``:
    the normal duty is part of it. ``of``: it is charged on a part of the value, "copper content"."""

    percent: Percent | None = None
    at_least: Percent | None = None
    at_most: Percent | None = None
    amount: Amount | None = None
    ban: bool = False
    unknown: bool = False
    all_in: bool = False
    of: Line | None = None
    text: Line | None = None


class Quota(Value, frozen=True):
    """A tariff-rate quota: ``quantity`` of ``unit`` a ``period`` at ``inside``, beyond it ``outside``."""

    quantity: Annotated[float, Meta(ge=0)]
    unit: Line
    period: Literal["year", "half_year", "quarter", "month", "once"] = "year"
    inside: Rate | None = None
    outside: Rate | None = None
    text: Line | None = None


class Exemption(Value, frozen=True):
    """Goods that a measure spares, or charges at another ``rate``: by preference claim, product list, content or use.
    Its key is what a question says of the goods: ``usmca``, ``us-85``, ``in-transit``."""

    text: Line
    rate: Rate | None = None
    ended: bool = False


class MeasureAbout(Value, frozen=True):
    """What a measure is: said once, by its first event."""

    title: Line
    kind: Literal[
        "tariff", "normal", "quota", "ban", "tax", "postal", "de_minimis", "export_control", "fee", "other"
    ] = "tariff"
    authority: AuthorityKey | UnsetType = UNSET
    instrument: Line | UnsetType = UNSET


class AgreementAbout(Value, frozen=True):
    """What an agreement is. Its parties stand in its key."""

    title: Line


class PartnerAbout(Value, frozen=True):
    """What a partner is: a country, or a bloc that others are members of. ``rank``: its place in the top list."""

    name: Line
    kind: Literal["country", "bloc"] = "country"
    rank: Annotated[int, Meta(ge=1)] | UnsetType = UNSET


class ScopeAbout(Value, frozen=True):
    """What goods a scope holds. ``within``: the wider scope it is a part of (``all-goods``, unless another is named);
    ``hs``: headings of the Harmonized System, two to ten digits, that are wholly in it."""

    title: Line
    within: Slug | UnsetType = UNSET
    hs: list[Annotated[str, Meta(pattern=r"^\d{2}(\d{2}(\d{2}(\d{2}(\d{2})?)?)?)?$")]] | UnsetType = UNSET


class AuthorityAbout(Value, frozen=True):
    """A legal authority under which measures are taken, a ruling against which reaches them all."""

    title: Line
    law: Line | UnsetType = UNSET


MeasureStatus = Literal[
    "threatened", "under_investigation", "proposed", "announced", "in_force", "paused", "ended", "none"
]


class MeasureState(Value, frozen=True):
    """The state of a measure on its target, over the interval of the effect that sets it. Where more than one would
    apply to the same goods, it gives way to what it ``yields_to``, and what it ``replaces`` gives way to it.
    ``starts`` and ``ends`` are dates that a threat or a draft names: its effect's ``from`` and ``until`` become
    these."""

    status: MeasureStatus | None | UnsetType = UNSET
    why_ended: (
        Literal["withdrawn", "revoked", "expired", "superseded", "struck_down", "lapsed"] | None | UnsetType
    ) = UNSET
    rate: Rate | None | UnsetType = UNSET
    combines: Literal["adds", "all_in", "replaces"] | None | UnsetType = UNSET
    replaces: list[Rival] | None | UnsetType = UNSET
    yields_to: list[Rival] | None | UnsetType = UNSET
    quota: Quota | None | UnsetType = UNSET
    exempt: bool | None | UnsetType = UNSET
    exemptions: dict[Slug, Exemption | None] | UnsetType = UNSET
    transshipped: Rate | None | UnsetType = UNSET
    in_transit: Line | None | UnsetType = UNSET
    refund: Literal["due", "suspended", "paid", "none"] | None | UnsetType = UNSET
    legal: Literal["valid", "enjoined", "struck_down"] | None | UnsetType = UNSET
    stayed: bool | None | UnsetType = UNSET
    collection: Literal["collected", "not_collected", "refundable"] | None | UnsetType = UNSET
    condition: Line | None | UnsetType = UNSET
    review_on: When | None | UnsetType = UNSET
    awaits: Line | None | UnsetType = UNSET
    starts: When | None | UnsetType = UNSET
    ends: When | None | UnsetType = UNSET
    text: Text | None | UnsetType = UNSET


class LegalState(Value, frozen=True):
    """What a ruling makes of an authority: legal status, collection and refund apart, for everyone or a named party."""

    legal: Literal["valid", "enjoined", "struck_down"] | None | UnsetType = UNSET
    stayed: bool | None | UnsetType = UNSET
    collection: Literal["collected", "not_collected", "refundable"] | None | UnsetType = UNSET
    refund: Literal["due", "suspended", "paid", "none"] | None | UnsetType = UNSET
    ruling: Line | None | UnsetType = UNSET
    text: Text | None | UnsetType = UNSET


class AgreementState(Value, frozen=True):
    """Where a deal stands as a whole. ``ratified`` holds a date per side."""

    status: (
        Literal[
            "announced",
            "text_published",
            "signed",
            "ratified",
            "in_force",
            "suspended",
            "terminated",
            "abandoned",
        ]
        | None
        | UnsetType
    ) = UNSET
    in_writing: bool | None | UnsetType = UNSET
    ratified: dict[Partner, When | None] | UnsetType = UNSET
    awaits: Line | None | UnsetType = UNSET
    text: Text | None | UnsetType = UNSET


class ProvisionState(Value, frozen=True):
    """One promise of a deal and what became of it. ``before`` and ``after`` are the rates it moves; ``by`` is who
    promised; of a commitment in money, ``amount`` is promised by ``due`` and ``so_far`` has come."""

    title: Line | UnsetType = UNSET
    by: Partner | None | UnsetType = UNSET
    status: (
        Literal["announced", "in_force", "shelved", "dropped", "fulfilled", "not_fulfilled"]
        | None
        | UnsetType
    ) = UNSET
    before: Rate | None | UnsetType = UNSET
    after: Rate | None | UnsetType = UNSET
    quota: Quota | None | UnsetType = UNSET
    amount: Amount | None | UnsetType = UNSET
    so_far: Amount | None | UnsetType = UNSET
    due: When | None | UnsetType = UNSET
    changes: MeasureKey | None | UnsetType = UNSET
    awaits: Line | None | UnsetType = UNSET
    text: Text | None | UnsetType = UNSET


class Figure(Value, frozen=True):
    """A yearly trade figure with its composition; a missing figure is missing, never zero."""

    amount: Amount | None = None
    mainly: list[Line] = []
    year: Annotated[int, Meta(ge=1900, le=2200)] | None = None


class Profile(Value, frozen=True):
    """The economics of a partner: sectors of the S&P 500 most affected, imports from it and exports to it."""

    sectors: list[Line] | None | UnsetType = UNSET
    imports: Figure | None | UnsetType = UNSET
    exports: Figure | None | UnsetType = UNSET
    text: Text | None | UnsetType = UNSET


class Objectives(Value, frozen=True):
    """What the talks are about: the focus, the win as criteria, the risks; each under a short key."""

    focus: Text | None | UnsetType = UNSET
    criteria: dict[Slug, Text | None] | UnsetType = UNSET
    risks: dict[Slug, Text | None] | UnsetType = UNSET


class TalksState(Value, frozen=True):
    """Where the talks stand."""

    status: Literal["none", "under_way", "paused", "broken_off", "concluded"] | None | UnsetType = UNSET
    level: Line | None | UnsetType = UNSET
    text: Text | None | UnsetType = UNSET


class DeadlineState(Value, frozen=True):
    """A date that somebody has set. Moving it is a new event; the old date stays in the record."""

    title: Line | UnsetType = UNSET
    due: When | None | UnsetType = UNSET
    status: Literal["open", "met", "missed", "cancelled"] | None | UnsetType = UNSET
    text: Text | None | UnsetType = UNSET


class DeadlineOutcome(Value, frozen=True):
    """How a deadline ended; ``closed`` where nobody says how. The rest is as it was, unless it is set."""

    status: Literal["met", "missed", "cancelled", "closed"]
    title: Line | UnsetType = UNSET
    due: When | None | UnsetType = UNSET
    text: Text | None | UnsetType = UNSET


class CriterionState(Value, frozen=True):
    """How a criterion of the win stands, and on what evidence."""

    standing: Literal["open", "advanced", "met", "set_back", "lost"]
    evidence: Text | None | UnsetType = UNSET


class RiskState(Value, frozen=True):
    """Whether a risk has come true."""

    standing: Literal["open", "raised", "materialised", "averted"]
    evidence: Text | None | UnsetType = UNSET


class ClaimState(Value, frozen=True):
    """What somebody said, kept apart from law. ``outcome`` tells what became of it; ``starts`` and ``ends`` are the
    dates it names: its effect's ``from`` and ``until`` become these."""

    by: Line | UnsetType = UNSET
    says: Text | UnsetType = UNSET
    rate: Rate | None | UnsetType = UNSET
    scope: Line | None | UnsetType = UNSET
    starts: When | None | UnsetType = UNSET
    ends: When | None | UnsetType = UNSET
    outcome: (
        Literal["open", "settled", "carried_out", "withdrawn", "corrected", "contradicted", "lapsed"]
        | None
        | UnsetType
    ) = UNSET
    text: Text | None | UnsetType = UNSET
