"""The log, on stderr: one line per thing that happened, its name first, then keys.

No bodies, headers or cookies: who logs names the keys.
"""

import logging
import sys

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from tracker.settings import LogFormat, Settings

# Libraries that tell every step, or the addresses they call, at INFO.
QUIET = ("alembic", "apscheduler", "httpcore", "httpx")

COMMON: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
)


class Stderr(logging.Handler):
    """Writes to what stderr is at that moment; a program or a test may replace it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
        except Exception:  # noqa: BLE001  # as logging's own handlers: a lost line stops nothing
            self.handleError(record)


def configure(settings: Settings) -> None:
    """Send our log and that of every library through one handler. Start uvicorn with ``log_config=None``."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *COMMON, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = Stderr()
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *COMMON],
            processors=[ProcessorFormatter.remove_processors_meta, *rendering(settings.log_format)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    logging.captureWarnings(capture=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # That a job is still at work when its time comes again is no fault: a receiver is slow.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


def rendering(log_format: LogFormat) -> tuple[Processor, ...]:
    # Both name how a traceback is written: the defaults print local variables, and with them secrets.
    if log_format == "json":
        return structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)
    return (
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
            timestamp_key="at",
        ),
    )
