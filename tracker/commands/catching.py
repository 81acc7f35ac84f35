"""A mail server for development."""

from pathlib import Path

import rich_click as click


@click.command("mail-sink")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=1025, show_default=True, help="0: any free one."
)
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
    help="Where mails are kept. Default: mails in the data folder.",
)  # fmt: skip
@click.option(
    "--answer",
    metavar="ANSWER",
    help="Say this to each recipient instead: '450 4.2.0 Greylisted', '550 5.1.1 Nobody'.",
)
@click.option(
    "--times", type=click.IntRange(1), metavar="N", help="As often alone, then take mails. Default: always."
)
def mail_sink(host: str, port: int, folder: Path | None, answer: str | None, times: int | None) -> None:
    """Take mails and deliver none: each is kept as a file and as a page for the browser, and named on a line.

    For development: with TRACKER_SMTP_URL=smtp://127.0.0.1:1025 everything that the tracker mails ends up here.
    """
    from tracker.terminal import catching

    catching.mail_sink(host, port, folder, answer, times)
