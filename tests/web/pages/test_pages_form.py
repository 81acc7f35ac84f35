"""The form and the command it stands for."""

from pathlib import Path

import msgspec
import pytest

from tracker.domain.events import Development
from tracker.domain.parse import parse
from tracker.importing import Line
from tracker.settings import shipped
from tracker.web.form.command import command
from tracker.web.form.fields import Form
from tracker.web.form.filled import filled
from tracker.web.form.kinds import MEANING, TYPES
from tracker.web.form.offers import grouped_types
from tracker.web.form.pointing import field_of

FIXTURES = sorted(shipped("fixtures").rglob("*.json"))


def told(**fields: str | list[str]) -> Form:
    given = {"title": "T", "announced": "2025-08-30", **fields}
    return Form({name: value if isinstance(value, list) else [value] for name, value in given.items()})


def event(form: Form) -> dict[str, object]:
    said, errors = command(form)
    assert errors == {}
    parse(Development, msgspec.json.encode(said))
    return said["events"][0]


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_every_development_of_the_record_fits_the_form_and_comes_out_as_it_was(path: Path) -> None:
    line = parse(Line, path.read_bytes())
    assert line.development is not None
    said = msgspec.to_builtins(line.development)
    form = filled(said)
    again, errors = command(form)
    assert errors == {}
    assert parse(Development, msgspec.json.encode(again)) == line.development


def test_every_type_of_event_can_be_chosen_and_is_explained() -> None:
    offered = [name for names in grouped_types().values() for name in names]
    assert sorted(offered) == sorted(TYPES)
    assert all(MEANING[name] and "``" not in MEANING[name] for name in offered)


def test_one_effect_for_each_partner_and_scope() -> None:
    made = event(
        told(
            type="measure.announced", subject="measure:us-x", new_title="X", to="partners", partners=["MX", "CA, HK"],
            scope="cars, steel", rate_kind="percent", rate="25%", **{"from": "2025-09-01", "except": "CN"},
        )
    )  # fmt: skip
    effects = made["effects"]
    assert isinstance(effects, list)
    assert [(e["target"], e["scope"]) for e in effects] == [
        (code, goods) for code in ("MX", "CA", "HK") for goods in ("cars", "steel")
    ]
    assert effects[0]["set"] == {"rate": {"percent": 25}}
    assert effects[0]["except"] == ["CN"]
    assert made["about"] == {"title": "X"}


@pytest.mark.parametrize(
    ("kind", "text", "rate"),
    [
        ("percent", "7.5", {"percent": 7.5}), ("up_to", "245 %", {"at_most": 245}),
        ("range", "15 to 20", {"at_least": 15, "at_most": 20}), ("range", "15–20", {"at_least": 15, "at_most": 20}),
        ("unknown", "", {"unknown": True}), ("ban", "", {"ban": True}),
    ],
)  # fmt: skip
def test_a_rate_is_a_number_a_range_or_unknown(kind: str, text: str, rate: dict[str, object]) -> None:
    made = event(
        told(
            type="measure.amended",
            subject="measure:us-x",
            to="everyone",
            rate_kind=kind,
            rate=text.replace(" %", ""),
        )
    )
    assert made["effects"] == [{"target": "everyone", "set": {"rate": rate}}]


def test_something_new_gets_its_key_from_its_title() -> None:
    made = event(
        told(
            type="measure.announced",
            new_title="Tariff on Fish & Chips (2025)",
            new_subject_kind="measure",
            to="everyone",
        )
    )
    assert made["subject"] == "measure:us-tariff-on-fish-chips-2025"


def test_other_kinds_of_events_fit_as_well() -> None:
    cases = [
        told(type="criterion.assessed", subject="GB", short_key="aerospace", stands="advanced", text="EO 14309"),
        told(type="deadline.set", subject="partner:GB", short_key="truce", thing_title="Truce", due="by 2025-10-01"),
        told(type="statement.made", subject="partner:CN", short_key="up-to", by="The White House", says="245%",
             rate_kind="up_to", rate="245", to="partners", partners="CN"),
        told(type="provision.changed", subject="agreement:us-gb-epd", short_key="steel", stands="shelved"),
        told(type="agreement.announced", subject="agreement:us-vn-deal", new_title="Deal", short_key="vn-account",
             account="yes", text="No figures."),
        told(type="ruling.issued", subject="authority:us-ieepa", legal="struck_down", to="party", party="vos"),
        told(type="talks.held", subject="MX", level="Ministers"),
        told(type="bloc.joined", subject="DE", bloc="EU", **{"from": "1958-01-01"}),
        told(type="partner.checked", subject="GB", through="2025-08-31"),
        told(type="partner.registered", subject="ZA", new_title="South Africa", new_rank="21"),
        told(type="assessment.published", subject="GB", short_key="view", by="A think tank", text="It holds."),
        told(type="objectives.set", subject="GB", more='{"focus": "Cars", "criteria": {"cars": "Cheaper cars"}}'),
        told(type="partner.profiled", subject="BE", more='{"sectors": ["Energy"]}'),
        told(type="measure.amended", subject="measure:us-x", to="everyone",
             more='{"quota": {"quantity": 5, "unit": "t"}}'),
    ]  # fmt: skip
    assert [event(case)["type"] for case in cases] == [case["type"] for case in cases]
    assert event(cases[3])["provisions"] == [{"provision": "steel", "set": {"status": "shelved"}}]
    assert event(cases[4])["claim"] == "vn-account"
    assert event(cases[-1])["effects"] == [
        {"target": "everyone", "set": {"quota": {"quantity": 5, "unit": "t"}}}
    ]


def test_all_that_is_wrong_is_told_at_once() -> None:
    form = told(
        announced="soon", type="", rate_kind="percent", rate="lots", until="2025-13-01", more="{", sequence="first",
        **{"source-0-on": "yesterday", "source-0-publisher": "P"},
    )  # fmt: skip
    _, errors = command(form)
    assert set(errors) >= {"announced", "until", "type", "sequence", "source-0-on"}
    form.fields["type"], form.fields["title"] = ["measure.paused"], [""]
    _, errors = command(form)
    assert set(errors) >= {"title", "subject", "rate", "more"}


def test_everyone_and_some_of_them_is_a_contradiction() -> None:
    _, errors = command(told(type="measure.paused", subject="measure:us-x", to="everyone", partners="MX"))
    assert set(errors) == {"partners"}


@pytest.mark.parametrize(
    ("pointer", "name"),
    [
        ("/title", "title"), ("/events/0/effects/0/until", "until"), ("/events/0/subject", "subject"),
        ("/events/0/effects/0/set/rate/percent", "rate"), ("/events/0/effects/1/target", "partners"),
        ("/events/0/about/title", "new_title"), ("/events/0/links/settles", "settles"), ("/events/0", "type"),
        ("/development/events/0/effects/0/from", "from"), ("/sources/0/url", "source-2-url"), ("", ""),
        ("/events/0/effects/0/set/quota/unit", "more"),
    ],
)  # fmt: skip
def test_a_pointer_into_the_command_leads_to_its_field(pointer: str, name: str) -> None:
    form = told(
        type="measure.amended", rate_kind="percent", rate="1", more='{"quota": {"unit": ""}}',
        **{"source-2-publisher": "P", "source-0-kind": "official"},
    )  # fmt: skip
    assert field_of(form, pointer) == name
    assert field_of(told(events="[{}]"), "/events/3/effects/0/from") == "events"


def test_what_a_browser_sends_is_read_whatever_it_is() -> None:
    form = Form.posted(b"title=a%FF&partners=MX&partners=CA&text=one%0D%0Atwo&note")
    assert form["title"] == "a\ufffd"
    assert form.all("partners") == ["MX", "CA"]
    assert form["text"] == "one\ntwo"
    assert form["nothing"] == ""
