"""What leaves the building: digests, and who gets them."""

import rich_click as click

from tracker.terminal.asking import as_json

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

partner = click.option(
    "--partner", "partners", multiple=True, metavar="CODE", help="Only this one. Again for more."
)
sector = click.option(
    "--sector", "sectors", multiple=True, metavar="NAME", help="And all of this S&P 500 sector."
)


@click.command()
@partner
@sector
@click.option("--day", metavar="DATE", help="The digest of that day. Default: since yesterday's, up to now.")
@click.option("--all", "whole", is_flag=True, help="All of it, not only as much as a mail holds.")
@as_json
def digest(
    partners: tuple[str, ...], sectors: tuple[str, ...], day: str | None, whole: bool, as_json: bool
) -> None:
    """Preview a daily digest: what took effect, what is new, what was corrected, what comes."""
    from tracker.terminal import outbox

    outbox.digest(partners, sectors, day, whole, as_json)


@click.command()
@click.option("--partner", metavar="CODE", help="Only those whose scope names this one.")
@click.option("--sector", metavar="NAME", help="Only those whose scope names this S&P 500 sector.")
@click.option("--day", metavar="DATE", help="Only those of this day.")
@click.option("--changed", is_flag=True, help="Without those in which nothing changed.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most."
)
@as_json
def editions(
    partner: str | None, sector: str | None, day: str | None, changed: bool, limit: int, as_json: bool
) -> None:
    """What digests said, the last cut first."""
    from tracker.terminal import editions as shown

    shown.editions(partner, sector, day, changed, limit, as_json)


@click.command()
@click.argument("id", metavar="ID")
@click.option("--all", "whole", is_flag=True, help="All of it, not only as much as a mail holds.")
@click.option("--json", "as_json", is_flag=True, help="As it was frozen, to the byte: its SHA-256 is its id.")
def edition(id: str, whole: bool, as_json: bool) -> None:
    """One edition as it was cut, by its ID or the beginning of it, and what was mended since."""
    from tracker.terminal import editions as shown

    shown.edition(id, whole, as_json)


@click.command()
@click.argument("address")
@click.option(
    "--over", default="email", show_default=True, metavar="CHANNEL", help="email, webhook or slack."
)
@partner
@sector
@click.option("--topic", "topics", multiple=True, metavar="KIND",
              help="measures, rulings, agreements, talks, deadlines, claims, partners. Again for more.")  # fmt: skip
@click.option("--zone", metavar="ZONE", help="IANA time zone of the hour. Default: the tracker's.")
@click.option("--hour", type=click.INT, default=8, show_default=True, help="Local hour at which it is due.")
@click.option(
    "--on", "weekdays", multiple=True, metavar="DAY", help="mon, tue, ... Again for more. Default: every day."
)
@click.option("--at-once", is_flag=True, help="Not at an hour, but as soon as an entry is ten minutes old.")
@click.option("--send-empty", is_flag=True, help="Also when nothing has changed.")
@click.option("--contact", metavar="E-MAIL", help="Who is told when an endpoint fails.")
@click.option("--confirmed", is_flag=True, help="You vouch for the address: do not ask its holder first.")
@as_json
def subscribe(
    address: str, over: str, partners: tuple[str, ...], sectors: tuple[str, ...], topics: tuple[str, ...],
    zone: str | None, hour: int, weekdays: tuple[str, ...], at_once: bool, send_empty: bool, contact: str | None,
    confirmed: bool, as_json: bool,
) -> None:  # fmt: skip
    """Send digests to an ADDRESS: of e-mail, or of an endpoint (--over webhook). Without --partner and --sector: of
    all partners. Its holder is asked first."""
    from tracker.terminal import outbox

    outbox.subscribe(
        address, as_json, zone, over, contact, confirmed, partners=partners, sectors=sectors, topics=topics,
        hour=hour, weekdays=weekdays or WEEKDAYS, at_once=at_once, send_empty=send_empty,
    )  # fmt: skip


@click.command()
@click.option("--all", "stopped", is_flag=True, help="Those that were stopped, too.")
@as_json
def subscriptions(stopped: bool, as_json: bool) -> None:
    """Who gets digests, of what, and when the next is due."""
    from tracker.terminal import outbox

    outbox.subscriptions(stopped, as_json)


@click.command()
@click.argument("subscription", metavar="ID")
@as_json
def unsubscribe(subscription: str, as_json: bool) -> None:
    """Stop a subscription, and erase its address."""
    from tracker.terminal import outbox

    outbox.unsubscribe(subscription, as_json)


@click.group()
def subscription() -> None:
    """Look after one subscription."""


id_of = click.argument("subscription", metavar="ID")


@subscription.command()
@id_of
@as_json
def show(subscription: str, as_json: bool) -> None:
    """What it is told, when, whether it works, and the address of its page."""
    from tracker.terminal import tending

    tending.show(subscription, as_json)


@subscription.command()
@id_of
@as_json
def confirm(subscription: str, as_json: bool) -> None:
    """Confirm it in its holder's place: you vouch that the address wants it."""
    from tracker.terminal import tending

    tending.confirm(subscription, as_json)


@subscription.command()
@id_of
@as_json
def test(subscription: str, as_json: bool) -> None:
    """Send a test message."""
    from tracker.terminal import tending

    tending.test(subscription, as_json)


@subscription.command()
@id_of
@click.option(
    "--since", metavar="WHEN", help="And send what did not arrive from this day on, at most 30 days back."
)
@as_json
def resume(subscription: str, since: str | None, as_json: bool) -> None:
    """Go on with one that was halted because its address failed."""
    from tracker.terminal import tending

    tending.resume(subscription, since, as_json)


@subscription.command()
@id_of
@click.option("--hours", type=click.IntRange(0, 168), default=24, show_default=True,
              help="How long the old secret signs beside the new one.")  # fmt: skip
@as_json
def rotate(subscription: str, hours: int, as_json: bool) -> None:
    """Make a new secret for an endpoint, shown this once."""
    from tracker.terminal import tending

    tending.rotate(subscription, hours, as_json)


@subscription.command()
@id_of
@click.argument("address", metavar="[E-MAIL]", required=False)
@as_json
def contact(subscription: str, address: str | None, as_json: bool) -> None:
    """Name another one to write to when an endpoint fails; without E-MAIL: nobody."""
    from tracker.terminal import tending

    tending.contact(subscription, address, as_json)


@click.group()
def delivery() -> None:
    """Look at what was sent."""


@delivery.command("list")
@click.option("--subscription", metavar="ID", help="Only to this one.")
@click.option("--state", "states", multiple=True, metavar="STATE",
              help="pending, sending, accepted, deferred, unknown, rejected, held. Again for more.")  # fmt: skip
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many at most."
)
@as_json
def listed(subscription: str | None, states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """What was sent to whom, the newest first, and where each stands."""
    from tracker.terminal import tending

    tending.deliveries(subscription, states, limit, as_json)


@delivery.command("show")
@click.argument("number", type=click.INT)
@as_json
def shown(number: int, as_json: bool) -> None:
    """When one was tried, and what came back."""
    from tracker.terminal import tending

    tending.delivery(number, as_json)


@delivery.command()
@click.argument("number", type=click.INT)
@as_json
def resend(number: int, as_json: bool) -> None:
    """Send one again: the same bytes under the same id."""
    from tracker.terminal import tending

    tending.resend(number, as_json)


@click.group()
def relay() -> None:
    """Publish the log where other programs follow it."""


@relay.command()
@click.option("--url", envvar="NATS_URL", required=True, metavar="nats://HOST:PORT",
              help="The server; user and password may stand before the host. Also as NATS_URL.")  # fmt: skip
@click.option("--stream", default="TRACKER", show_default=True, metavar="NAME", help="A stream of its own.")
@click.option("--subject", "prefix", default="tracker.events", show_default=True, metavar="PREFIX",
              help="What subjects begin with; the type of the event follows.")  # fmt: skip
def nats(url: str, stream: str, prefix: str) -> None:
    """Publish every event to NATS JetStream, as it is recorded, until told to stop.

    Events are CloudEvents, and the sequence of a message is the position of its event. Exactly one copy of each comes
    into the stream, through restarts and with several relays at once.
    """
    try:
        from tracker.terminal import relaying
    except ModuleNotFoundError:
        raise click.ClickException("this needs nats-py: pip install 'negotiation-tracker[relay]'") from None
    relaying.nats(url, stream, prefix)


COMMANDS: tuple[click.Command, ...] = (
    digest, editions, edition, subscribe, subscriptions, subscription, delivery, unsubscribe, relay,
)  # fmt: skip
