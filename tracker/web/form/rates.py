"""A rate: from the fields that say it, and back into them."""

import re
from collections.abc import Mapping
from typing import Any

from tracker.web.form.fields import Errors, Fields, Form


def rate(form: Form, errors: Errors) -> dict[str, Any] | None:
    """The rate that the fields say; None where they cannot be one."""
    kind, text = form["rate_kind"], form["rate"].removesuffix("%").strip()
    extra = {name: form[f"rate_{name}"] for name in ("of", "text") if form[f"rate_{name}"]}
    if kind in ("unknown", "ban"):
        return {kind: True} | extra
    numbers = [_number(part) for part in re.split(r"\s*(?:–|to|-)\s*", text)] if text else []
    if kind == "range" and len(numbers) == 2 and None not in numbers:
        return {"at_least": numbers[0], "at_most": numbers[1]} | extra
    if kind in ("percent", "up_to") and len(numbers) == 1 and numbers[0] is not None:
        return {"percent" if kind == "percent" else "at_most": numbers[0]} | extra
    errors["rate"] = (
        "Write two numbers, such as 15 to 20." if kind == "range" else "Write a number, such as 25 or 7.5."
    )
    return None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII) else None


def fields(rate: Mapping[str, Any]) -> Fields:
    """The fields that say a rate; none where they cannot."""
    extra = {f"rate_{name}": [rate[name]] for name in ("of", "text") if rate.get(name)}
    match {name: value for name, value in rate.items() if name not in ("of", "text")}:
        case {"percent": number, **others} if not others:
            return {"rate_kind": ["percent"], "rate": [f"{number:g}"]} | extra
        case {"at_most": high, "at_least": low, **others} if not others:
            return {"rate_kind": ["range"], "rate": [f"{low:g} to {high:g}"]} | extra
        case {"at_most": high, **others} if not others:
            return {"rate_kind": ["up_to"], "rate": [f"{high:g}"]} | extra
        case {"unknown": True, **others} if not others:
            return {"rate_kind": ["unknown"]} | extra
        case {"ban": True, **others} if not others:
            return {"rate_kind": ["ban"]} | extra
    return {}
