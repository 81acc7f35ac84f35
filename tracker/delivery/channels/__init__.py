"""How editions leave: one file per channel, each in this tuple."""

from tracker.delivery.channels.channel import Channel
from tracker.delivery.channels.email import Email

CHANNELS: tuple[Channel, ...] = (Email(),)
