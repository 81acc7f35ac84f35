"""What a digest says of a change: plain sentences, and never more than there is to say."""

from typing import Any

import pytest

from tracker.domain.phrasing import Sentence, sentence

TEN, FIFTEEN = {"percent": 10.0}, {"percent": 15.0}
CASES: list[tuple[dict[str, Any], dict[str, Any], Sentence]] = [
    ({}, {"status": "in_force", "rate": TEN}, Sentence(["10%"], "", [])),
    ({"status": "announced"}, {"status": "in_force", "rate": TEN}, Sentence(["10%"], "", [])),
    ({"rate": TEN}, {"rate": FIFTEEN}, Sentence(["15%"], "10%", [])),
    ({"status": "paused"}, {"status": "in_force"}, Sentence(["in force"], "paused", [])),
    ({"status": "paused", "rate": TEN}, {"status": "in_force", "rate": FIFTEEN},
     Sentence(["15%"], "paused at 10%", [])),
    ({"status": "in_force"}, {"status": "ended", "why_ended": "revoked"},
     Sentence(["ended, revoked"], "in force", [])),
    ({"status": "in_force", "rate": TEN}, {}, Sentence(["does not apply"], "10%", [])),
    ({"rate": TEN}, {}, Sentence(["no rate"], "10%", [])),
    ({}, {"status": "threatened", "rate": TEN, "starts": "2025-06-01"},
     Sentence(["threatened at 10% from 1 June 2025"], "", [])),
    ({"starts": "2025-06-01"}, {"starts": "2025-07-09"},
     Sentence(["said to start 9 July 2025, was 1 June 2025"], "", [])),
    ({}, {"status": "in_force", "exempt": True}, Sentence(["exempt"], "", [])),
    ({}, {"status": "announced", "rate": {"unknown": True}}, Sentence(["announced, rate unknown"], "", [])),
    ({}, {"by": "Seoul", "says": "No.", "outcome": "open", "rate": TEN},
     Sentence(["Seoul: “No.”"], "", ["10%"])),
    ({}, {"status": "announced", "before": FIFTEEN, "after": TEN},
     Sentence(["announced", "from 15% to 10%"], "", [])),
    ({}, {"status": "open", "due": "2025-07-09"}, Sentence(["due 9 July 2025"], "", [])),
    ({"due": "2025-07-09"}, {"due": "2025-08-01"}, Sentence(["due 1 August 2025, was 9 July 2025"], "", [])),
    ({"standing": "open"}, {"standing": "advanced", "evidence": "It fell."},
     Sentence(["advanced"], "", ["evidence: It fell"])),
    ({"legal": "valid", "collection": "collected"}, {"legal": "struck_down", "collection": "not_collected"},
     Sentence(["struck down", "duties are not collected"], "", [])),
    ({"refund": "due"}, {}, Sentence(["no refund is due"], "", [])),
    ({"text": "Old."}, {"text": "New."}, Sentence(["New"], "", [])),
    ({"text": "Old."}, {}, Sentence(["remark withdrawn"], "", [])),
]  # fmt: skip


EXEMPT: list[tuple[dict[str, Any], dict[str, Any], Sentence]] = [
    ({"rate": TEN}, {"rate": FIFTEEN}, Sentence(["still exempt"], "", [])),
    ({"rate": TEN, "combines": "adds"}, {}, Sentence(["still exempt"], "", [])),
    ({"status": "announced"}, {"status": "in_force", "rate": TEN}, Sentence(["exempt"], "", [])),
    ({"status": "in_force", "rate": TEN}, {"status": "ended"}, Sentence(["ended"], "in force", [])),
]
TOLD: list[tuple[dict[str, Any], dict[str, Any], Sentence]] = [
    ({"rate": TEN}, {"rate": FIFTEEN, "exempt": True}, Sentence(["exempt"], "", [])),
    ({"rate": TEN, "exempt": True}, {"rate": FIFTEEN}, Sentence(["15%", "no longer exempt"], "", [])),
    ({}, {"status": "in_force", "rate": TEN, "exempt": True}, Sentence(["exempt"], "", [])),
]


@pytest.mark.parametrize(("before", "after", "said"), EXEMPT)
def test_goods_that_stay_exempt_pay_nothing_of_it(
    before: dict[str, Any], after: dict[str, Any], said: Sentence
) -> None:
    assert sentence(before, after, exempt=True) == said


@pytest.mark.parametrize(("before", "after", "said"), TOLD)
def test_no_rate_is_said_of_goods_while_they_are_exempt(
    before: dict[str, Any], after: dict[str, Any], said: Sentence
) -> None:
    assert sentence(before, after) == said


@pytest.mark.parametrize(("before", "after", "said"), CASES)
def test_a_change_is_a_plain_sentence(before: dict[str, Any], after: dict[str, Any], said: Sentence) -> None:
    assert sentence(before, after) == said
