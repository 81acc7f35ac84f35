"""Editions at the prompt."""

import hashlib
from datetime import timedelta

import msgspec
from prompt import Run

from tracker.delivery import editions
from tracker.delivery.editions import Frozen
from tracker.domain.edition import Edition, Scope
from tracker.store.engine import writing
from tracker.terminal import opening
from tracker.web.api.editions import Editions

PAUSE = ["log", "Pause for Mexico", "--announced", "2025-09-02", "--type", "measure.paused", "--subject",
         "measure:us-ieepa-fentanyl-mx", "--target", "MX", "--scope", "all-goods", "--from", "2025-09-03"]  # fmt: skip


def frozen(*partners: str) -> Frozen:
    """What a digest for these would say now."""
    with opening.to_read() as opened, writing(opened.engine) as connection:
        scope, now = Scope(partners=list(partners)), opened.clock() + timedelta(hours=1)
        return editions.freeze(
            connection, editions.preview(connection, scope, now=now, zone=opened.zone), opened.clock()
        )


def test_editions_are_listed_and_shown_to_the_byte(seeded: Run) -> None:
    assert "There is no such edition" in seeded("editions").out
    quiet = frozen("BR")
    logged = msgspec.json.decode(seeded(*PAUSE, "--json").out)["development"]
    loud = frozen("MX")
    said = seeded("editions").out
    assert "nothing changed" in said
    assert loud.id[:12] in said
    assert "Mexico" in said
    listed = msgspec.json.decode(seeded("editions", "--partner", "mx", "--json").out, type=Editions)
    assert [one.id for one in listed.items] == [loud.id]
    assert quiet.id[:12] not in seeded("editions", "--changed").out

    shown = seeded("edition", loud.id[:10]).out
    assert "Pause for Mexico" in shown
    assert "mended" not in shown
    content = seeded("edition", loud.id, "--json").out
    assert hashlib.sha256(content.encode()).hexdigest() == loud.id
    assert msgspec.json.decode(content, type=Edition) == loud.edition
    seeded("withdraw", logged, "--reason", "it never happened")
    again = seeded("edition", loud.id[:10]).out
    assert "our record was mended" in again
    assert "Pause for Mexico: withdrawn, it never happened" in again
    assert again.endswith(shown)


def test_an_edition_that_is_not_there_is_said_to_be_none(seeded: Run) -> None:
    assert "there is no edition 'nope'" in seeded("edition", "nope", code=2).err
    frozen("BR")
    frozen("MX")
    assert "more than one edition begins with ''" in seeded("edition", "", code=2).err
    assert "sector that no partner's profile names" in seeded("editions", "--sector", "Nonsense", code=2).err
    assert "is not a date" in seeded("editions", "--day", "soon", code=2).err
    assert "ZZ" in seeded("editions", "--partner", "zz", code=2).err
