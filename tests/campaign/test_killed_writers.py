"""kill -9 of whoever records: what was acknowledged is there, what was not is there whole or not at all, and what is
sent again is recorded once."""

import pytest
from campaign.forking import Violated, Zygote
from campaign.kills import kill_writers
from campaign.report import report, seed, size
from campaign.writer import Broken

from tests.store.kinds import on_sqlite


def test_killed_at_any_instant_and_at_any_step(zygote: Zygote, database_url: str) -> None:
    kill_writers(zygote, database_url, 15, seed())


@pytest.mark.campaign
def test_killed_again_and_again(zygote: Zygote, database_url: str) -> None:
    chosen = seed()
    counts = kill_writers(zygote, database_url, size("KILLS", 5000) // 2, chosen)
    report("writers", database_url, chosen, counts)


@on_sqlite
@pytest.mark.parametrize("broken", ["acknowledges first", "in two commits", "without a key"])
def test_a_writer_that_breaks_its_word_is_found_out(
    zygote: Zygote, database_url: str, broken: Broken
) -> None:
    with pytest.raises(Violated):
        kill_writers(zygote, database_url, 60, "teeth", broken)
