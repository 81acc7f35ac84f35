"""How messages leave: one file per channel, each in this tuple."""

from tracker.delivery.channels.channel import Channel
from tracker.delivery.channels.email import Email
from tracker.delivery.channels.slack import Slack
from tracker.delivery.channels.webhook import Webhook

CHANNELS: tuple[Channel, ...] = (Email(), Webhook(), Slack())
