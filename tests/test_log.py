import json
import logging

import pytest
import structlog

from tracker import log
from tracker.settings import load


@pytest.fixture(autouse=True)
def logging_as_before():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def lines(capsys):
    """The lines logged so far, read as JSON."""
    log.configure(load({"TRACKER_LOG_FORMAT": "json"}))
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_what_happened_is_one_line_of_keys(lines):
    structlog.get_logger().info("recorded", position=7)
    (line,) = lines()
    assert line.pop("at").endswith("Z")
    assert line == {"event": "recorded", "position": 7, "level": "info"}


def test_libraries_speak_through_the_same_log(lines):
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    (line,) = lines()
    assert (line["event"], line["logger"]) == ("Started server process [7]", "uvicorn.error")


@pytest.mark.parametrize("name", log.QUIET)
def test_chatter_of_libraries_stays_out(lines, name):
    logging.getLogger(name).info("POST https://example.org/?token=geheim")
    assert lines() == []


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_shows_no_local_variables(capsys, log_format):
    log.configure(load({"TRACKER_LOG_FORMAT": log_format}))
    password = "".join(["ge", "heim"])
    try:
        raise KeyError(len(password))
    except KeyError:
        structlog.get_logger().exception("gave_up")
    shown = capsys.readouterr().err
    assert "KeyError: 6" in shown
    assert "geheim" not in shown


def test_lines_below_the_level_are_dropped(capsys):
    log.configure(load({"TRACKER_LOG_LEVEL": "error"}))
    structlog.get_logger().warning("retried")
    logging.getLogger("httpx").warning("slow")
    assert capsys.readouterr().err == ""
