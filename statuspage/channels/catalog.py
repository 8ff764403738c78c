"""Every channel there is, at a glance."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from statuspage.channels import apprise, mail, webhook
from statuspage.channels.channel import Channel

OURS: tuple[Channel[Any], ...] = (mail.CHANNEL, webhook.CHANNEL, apprise.CHANNEL, apprise.CALLS)

CHANNELS: Mapping[str, Channel[Any]] = MappingProxyType({channel.name: channel for channel in OURS})
