"""The events: facts in the past tense. Each class is one type of the published catalogue; its docstring is its
public meaning. A *development* is what an analyst logs: what was told, by which sources, and one event or more.

Commands and events share these shapes: what is logged is what is kept.
"""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, ClassVar, Literal, get_args

from msgspec import Meta, Struct, field

from tracker.domain.values import (
    AgreementAbout,
    AgreementState,
    AuthorityAbout,
    ClaimState,
    CriterionState,
    DeadlineOutcome,
    DeadlineState,
    LegalState,
    Line,
    MeasureAbout,
    MeasureState,
    Objectives,
    Partner,
    PartnerAbout,
    Profile,
    ProvisionState,
    RiskState,
    ScopeAbout,
    Slug,
    Source,
    SubjectKey,
    TalksState,
    Text,
    Value,
    When,
)
from tracker.domain.when import rfc3339

Target = Annotated[
    str,
    Meta(
        pattern=r"^([A-Z]{2}|everyone|each_of|party:[a-z0-9-]{1,60})$",
        description="A partner or bloc (GB, EU), 'everyone' (also partners not named anywhere), 'each_of' "
        "(all that this subject already names), or a named party (party:vos-selections).",
        examples=["GB", "EU", "everyone", "each_of"],
    ),
]


class Effect(Value, frozen=True):
    """Over [from, until) this holds. No ``from``: from the announcement on. No ``until``: until further notice."""

    from_: When | None = field(name="from", default=None)
    until: When | None = None


class MeasureEffect(Effect, frozen=True):
    """What a measure does to a target. No ``scope``: all scopes that the measure has, or ``all-goods``.
    With ``set.awaits`` and no ``from`` it is announced only: what it awaits has no date yet."""

    target: Target = "each_of"
    except_: list[Partner] = field(name="except", default=[])
    scope: Slug | None = None
    set: MeasureState = MeasureState()


class RulingEffect(Effect, kw_only=True, frozen=True):
    """What a ruling does to all measures under an authority, or to one measure: for everyone or a named party."""

    target: Target = "everyone"
    except_: list[Partner] = field(name="except", default=[])
    set: LegalState


class AgreementEffect(Effect, frozen=True):
    """What holds for the agreement as a whole."""

    set: AgreementState = AgreementState()


class ProvisionEffect(Effect, kw_only=True, frozen=True):
    """What holds for one provision."""

    provision: Slug
    set: ProvisionState


class ClaimEffect(Effect, kw_only=True, frozen=True):
    """What is claimed, about a target, for an interval."""

    target: Target = "everyone"
    except_: list[Partner] = field(name="except", default=[])
    set: ClaimState


class Links(Value, frozen=True):
    """How this event hangs together with others: subjects (``measure:...``), a claim of a subject
    (``measure:...#claim``), a provision (``agreement:...#provision``)."""

    answers: list[Line] = []
    settles: list[Line] = []
    carries_out: list[Line] = []
    voids: list[Line] = []


class Event(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="type",
    gc=False,
):
    """One fact about one subject."""

    subject: SubjectKey
    summary: Text | None = None
    links: Links = Links()


# ---------------------------------------------------------------- measures


class MeasureEvent(Event, frozen=True):
    """Shared by everything that happens to a measure. ``claim`` names a claim's own lane: somebody said so,
    no instrument exists; without it the event speaks of what an instrument does."""

    about: MeasureAbout | None = None
    claim: Slug | None = None
    effects: list[MeasureEffect] = []

    implies: ClassVar[MeasureState] = MeasureState()
    """What the type itself says, where the effect does not say otherwise."""
    leads: ClassVar[bool] = False
    """Whether the time from the announcement until the effect starts is ``announced``."""


class MeasureThreatened(MeasureEvent, tag="measure.threatened", frozen=True):
    """Somebody in power says a measure will or may come; no instrument exists. A claim (default key ``threat``)."""

    claim: Slug | None = "threat"
    implies: ClassVar[MeasureState] = MeasureState(status="threatened")


class InvestigationOpened(MeasureEvent, tag="investigation.opened", frozen=True):
    """An authority has begun to investigate; a measure may follow."""

    implies: ClassVar[MeasureState] = MeasureState(status="under_investigation")


class MeasureProposed(MeasureEvent, tag="measure.proposed", frozen=True):
    """An authority has published a draft for comment."""

    implies: ClassVar[MeasureState] = MeasureState(status="proposed")


class MeasureAnnounced(MeasureEvent, tag="measure.announced", frozen=True):
    """A measure is ordered by an instrument, with its rates and dates; until it starts it is ``announced``."""

    implies: ClassVar[MeasureState] = MeasureState(status="in_force")
    leads: ClassVar[bool] = True


class MeasureAmended(MeasureEvent, tag="measure.amended", frozen=True):
    """Rates, scope, exemptions or other terms of a measure change. Status stays unless set."""


class MeasurePaused(MeasureEvent, tag="measure.paused", frozen=True):
    """A measure is suspended; with ``until`` it resumes by itself."""

    implies: ClassVar[MeasureState] = MeasureState(status="paused")


class MeasureResumed(MeasureEvent, tag="measure.resumed", frozen=True):
    """A paused or threatened measure applies again, or earlier than its pause said."""

    implies: ClassVar[MeasureState] = MeasureState(status="in_force")


class MeasureEnded(MeasureEvent, tag="measure.ended", frozen=True):
    """A measure is over, or a threat withdrawn: ``why_ended`` says why. ``each_of`` reaches its claims too."""

    implies: ClassVar[MeasureState] = MeasureState(status="ended")


# ---------------------------------------------------------------- rulings


class RulingIssued(Event, tag="ruling.issued", frozen=True):
    """A court decides on an authority (all measures under it) or on a measure; a stay is a ruling too."""

    about: AuthorityAbout | None = None
    effects: list[RulingEffect] = []


# ---------------------------------------------------------------- agreements


class AgreementEvent(Event, frozen=True):
    """Shared by everything that happens to an agreement. ``claim``: one side's account of it, kept apart."""

    about: AgreementAbout | None = None
    claim: Slug | None = None
    effects: list[AgreementEffect] = []
    provisions: list[ProvisionEffect] = []

    implies: ClassVar[AgreementState] = AgreementState()


class AgreementAnnounced(AgreementEvent, tag="agreement.announced", frozen=True):
    """The parties, or one of them, say that there is a deal."""

    implies: ClassVar[AgreementState] = AgreementState(status="announced")


class AgreementTextPublished(AgreementEvent, tag="agreement.text_published", frozen=True):
    """The text is out: the deal is in writing."""

    implies: ClassVar[AgreementState] = AgreementState(status="text_published", in_writing=True)


class AgreementSigned(AgreementEvent, tag="agreement.signed", frozen=True):
    """The parties have signed."""

    implies: ClassVar[AgreementState] = AgreementState(status="signed", in_writing=True)


class AgreementRatified(AgreementEvent, tag="agreement.ratified", frozen=True):
    """A side has ratified: set ``ratified`` with that side and the date."""


class AgreementEnteredIntoForce(AgreementEvent, tag="agreement.entered_into_force", frozen=True):
    """The deal applies, as a whole or as far as its provisions say."""

    implies: ClassVar[AgreementState] = AgreementState(status="in_force")


class AgreementAmended(AgreementEvent, tag="agreement.amended", frozen=True):
    """Terms of the deal change, or are understood better."""


class AgreementSuspended(AgreementEvent, tag="agreement.suspended", frozen=True):
    """The deal is suspended; with ``until`` it resumes by itself."""

    implies: ClassVar[AgreementState] = AgreementState(status="suspended")


class AgreementTerminated(AgreementEvent, tag="agreement.terminated", frozen=True):
    """The deal is over."""

    implies: ClassVar[AgreementState] = AgreementState(status="terminated")


class ProvisionChanged(AgreementEvent, tag="provision.changed", frozen=True):
    """One provision moves: carried out, shelved, dropped, fulfilled, or given other figures."""


# ---------------------------------------------------------------- partners and negotiations


class PartnerRegistered(Event, kw_only=True, tag="partner.registered", frozen=True):
    """The tracker follows this partner from now on."""

    about: PartnerAbout


class PartnerProfiled(Event, kw_only=True, tag="partner.profiled", frozen=True):
    """The economics of a partner, as a source states them."""

    set: Profile
    from_: When | None = field(name="from", default=None)


class BlocJoined(Event, kw_only=True, tag="bloc.joined", frozen=True):
    """A partner is a member of a bloc from that day: what holds for the bloc holds for it."""

    bloc: Partner
    from_: When | None = field(name="from", default=None)


class BlocLeft(Event, kw_only=True, tag="bloc.left", frozen=True):
    """A partner is no longer a member of a bloc from that day."""

    bloc: Partner
    from_: When | None = field(name="from", default=None)


class ObjectivesSet(Event, kw_only=True, tag="objectives.set", frozen=True):
    """The focus of the talks, the criteria of a win, and the risks."""

    set: Objectives
    from_: When | None = field(name="from", default=None)


class CriterionAssessed(Event, kw_only=True, tag="criterion.assessed", frozen=True):
    """A criterion of the win moved, or did not, on this evidence."""

    criterion: Slug
    set: CriterionState
    from_: When | None = field(name="from", default=None)


class RiskAssessed(Event, kw_only=True, tag="risk.assessed", frozen=True):
    """A risk was raised, came true, or passed."""

    risk: Slug
    set: RiskState
    from_: When | None = field(name="from", default=None)


class TalksEvent(Event, frozen=True):
    """Shared by everything that happens to the talks."""

    set: TalksState = TalksState()
    from_: When | None = field(name="from", default=None)

    implies: ClassVar[TalksState] = TalksState()


class TalksHeld(TalksEvent, tag="talks.held", frozen=True):
    """The sides met or spoke: the talks are under way."""

    implies: ClassVar[TalksState] = TalksState(status="under_way")


class TalksPaused(TalksEvent, tag="talks.paused", frozen=True):
    """The talks rest by agreement."""

    implies: ClassVar[TalksState] = TalksState(status="paused")


class TalksBrokenOff(TalksEvent, tag="talks.broken_off", frozen=True):
    """A side has ended the talks."""

    implies: ClassVar[TalksState] = TalksState(status="broken_off")


class TalksResumed(TalksEvent, tag="talks.resumed", frozen=True):
    """Talks that were paused or broken off go on."""

    implies: ClassVar[TalksState] = TalksState(status="under_way")


class TalksConcluded(TalksEvent, tag="talks.concluded", frozen=True):
    """The talks are done."""

    implies: ClassVar[TalksState] = TalksState(status="concluded")


class DeadlineEvent(Event, kw_only=True, frozen=True):
    """Shared by everything that happens to a deadline; ``deadline`` is its short key."""

    deadline: Slug
    set: DeadlineState | DeadlineOutcome

    implies: ClassVar[DeadlineState] = DeadlineState()


class DeadlineSet(DeadlineEvent, kw_only=True, tag="deadline.set", frozen=True):
    """A date is set by which something is to happen."""

    set: DeadlineState
    implies: ClassVar[DeadlineState] = DeadlineState(status="open")


class DeadlineMoved(DeadlineEvent, kw_only=True, tag="deadline.moved", frozen=True):
    """The date has moved; where it stood before is kept."""

    set: DeadlineState
    implies: ClassVar[DeadlineState] = DeadlineState(status="open")


class DeadlineClosed(DeadlineEvent, kw_only=True, tag="deadline.closed", frozen=True):
    """The deadline was met, missed or cancelled: it says which, or that nobody does."""

    set: DeadlineOutcome


class AssessmentPublished(Event, kw_only=True, tag="assessment.published", frozen=True):
    """Somebody's analysis of where the relationship stands; ``assessment`` is its short key."""

    assessment: Slug
    by: Line
    text: Text


class PartnerChecked(Event, kw_only=True, tag="partner.checked", frozen=True):
    """An analyst has looked for news up to and including ``through``: silence until then means nothing changed."""

    through: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$", description="A date: YYYY-MM-DD")]


class ScopeDefined(Event, kw_only=True, tag="scope.defined", frozen=True):
    """These goods have a name from now on, which effects and questions use as their ``scope``. Defined again: what it
    says now replaces what it said."""

    about: ScopeAbout


# ---------------------------------------------------------------- claims


class ClaimEvent(Event, kw_only=True, frozen=True):
    """Shared by everything that happens to a claim about a subject; ``claim`` is its short key."""

    claim: Slug
    effects: Annotated[list[ClaimEffect], Meta(min_length=1)]

    implies: ClassVar[ClaimState] = ClaimState()


class StatementMade(ClaimEvent, tag="statement.made", frozen=True):
    """Somebody said so: a figure, a promise, an account of a deal. It never becomes law by itself."""

    implies: ClassVar[ClaimState] = ClaimState(outcome="open")


class StatementRevised(ClaimEvent, tag="statement.revised", frozen=True):
    """The one who said it says it differently now, or the page was edited."""

    implies: ClassVar[ClaimState] = ClaimState(outcome="corrected")


class ClaimClosed(ClaimEvent, tag="claim.closed", frozen=True):
    """A claim is settled by an instrument, carried out, withdrawn, contradicted, or has lapsed: say which."""


# ---------------------------------------------------------------- repairs of our own record


class RepairEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", gc=False):
    """Shared by the repairs of our own record: the subject, the development that is repaired, and why."""

    subject: SubjectKey
    development: str
    reason: Text


class DevelopmentCorrected(RepairEvent, kw_only=True, tag="development.corrected", frozen=True):
    """Our record of a development was wrong: on this subject it now says ``now`` (nothing, where it has moved to
    another subject). It keeps its place in the order. When a *source* changes its mind, log a new development."""

    editorial: bool = False
    now: "list[Logged]"


class DevelopmentWithdrawn(RepairEvent, tag="development.withdrawn", frozen=True):
    """Our record of a development should not have been made: it no longer counts, and stays readable."""


class Erased(DevelopmentCorrected, kw_only=True, tag="erased", frozen=True):
    """What is left of an event whose body was erased: on its subject it says nothing."""


MeasureEvents = (
    MeasureThreatened | InvestigationOpened | MeasureProposed | MeasureAnnounced
    | MeasureAmended | MeasurePaused | MeasureResumed | MeasureEnded
)  # fmt: skip
AgreementEvents = (
    AgreementAnnounced | AgreementTextPublished | AgreementSigned | AgreementRatified | AgreementEnteredIntoForce
    | AgreementAmended | AgreementSuspended | AgreementTerminated | ProvisionChanged
)  # fmt: skip
TalksEvents = TalksHeld | TalksPaused | TalksBrokenOff | TalksResumed | TalksConcluded
DeadlineEvents = DeadlineSet | DeadlineMoved | DeadlineClosed
ClaimEvents = StatementMade | StatementRevised | ClaimClosed
Logged = (
    MeasureEvents | RulingIssued | AgreementEvents | PartnerRegistered | PartnerProfiled | BlocJoined | BlocLeft
    | ObjectivesSet | CriterionAssessed | RiskAssessed | TalksEvents | DeadlineEvents | AssessmentPublished
    | PartnerChecked | ScopeDefined | ClaimEvents
)  # fmt: skip
"""What can be logged."""
Repair = DevelopmentCorrected | DevelopmentWithdrawn
AnyEvent = Logged | Repair
"""What the log holds."""
TYPES = tuple(str(one.__struct_config__.tag) for one in get_args(AnyEvent))
"""The names of all types."""


class Told(Value, frozen=True):
    """What the world was told, by whom and when: shared by all events of a development."""

    title: Line
    announced: When
    summary: Text | None = None
    sequence: Annotated[int, Meta(ge=0, le=9999, description="Order within one announcement date.")] = 0
    zone: Annotated[str, Meta(max_length=60, description="IANA zone of dates without a time.")] | None = None
    published: When | None = None
    sources: list[Source] = []
    confidence: Literal["confirmed", "reported", "unconfirmed", "disputed"] | None = None
    note: Text | None = None


class Development(Told, kw_only=True, frozen=True):
    """The command: log a development."""

    events: Annotated[list[Logged], Meta(min_length=1, max_length=200)]


class Correction(Value, frozen=True):
    """The command: our record of a development was wrong; this is what it should have said."""

    reason: Text
    development: Development
    editorial: bool = False


class Withdrawal(Value, frozen=True):
    """The command: our record of a development should not have been made."""

    reason: Text


class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The body of an event as it is kept in the log, byte for byte: what was told, and the fact. ``schemas``: the
    versions, where they are not 1, of what has no envelope of its own: ``told``, and the events of a correction."""

    told: Told
    event: AnyEvent
    schemas: dict[str, int] = {}


def erased(type: str, subject: str, development: str, learnt_at: datetime) -> Record:
    """What is left of an event whose body was erased. When it was announced went with it: it is placed where the record
    learnt it. A withdrawal stays one: its envelope says so."""
    told = Told(title="Erased", announced=rfc3339(learnt_at))
    if type == "development.withdrawn":
        return Record(
            told=told, event=DevelopmentWithdrawn(subject=subject, development=development, reason="Erased")
        )
    return Record(told=told, event=Erased(subject=subject, development=development, reason="Erased", now=[]))


HOME = "US"
"""The country whose talks are tracked."""
VOCABULARY = "scope"
"""Whom the lanes concern that define goods: nobody, and every question."""
FOLLOWED = "partner"
"""Whom the lanes concern that say who a partner is."""

Kind = Literal["measure", "agreement", "authority", "partner", "scope"]


def kind_of(subject: str) -> Kind:
    """The kind of a subject key, its part before the colon."""
    return subject.partition(":")[0]  # type: ignore[return-value]


@lru_cache(maxsize=4096)
def actor_of(subject: str) -> str:
    """Who acts: the partner code that the key of a measure, authority or agreement begins with; a partner itself;
    for a scope the home country."""
    kind, _, key = subject.partition(":")
    return HOME if kind == "scope" else key[:2].upper()


def parties_of(subject: str) -> list[str]:
    """The partner codes in the key of an agreement, without the home country: agreement:us-mx_ca-... gives MX, CA."""
    first, others = subject.partition(":")[2].split("-")[:2]
    return [code.upper() for code in (first, *others.split("_")) if code != HOME.lower()]


def concerned(subject: str, target: str) -> str:
    """The partner that a lane concerns: the target of what the home country does, the actor of what others do;
    '' where it only says what the subject is; ``VOCABULARY`` where that is a scope of goods, ``FOLLOWED`` a partner."""
    if not target:
        return {"scope": VOCABULARY, "partner": FOLLOWED}.get(kind_of(subject), "")
    actor = actor_of(subject)
    return target if actor == HOME or kind_of(subject) == "agreement" else actor
