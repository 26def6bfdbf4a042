"""The section of credentials.yml, and where the settings of Rasa's process come from."""

from __future__ import annotations

from typing import Any

import pytest

from haptik_actions.channel._options import ChannelOptions, endpoints_file
from haptik_actions.errors import ConfigurationError


@pytest.mark.parametrize("section", [None, {}, {"secret": None, "inbox": ""}])
def test_an_empty_section_is_no_mistake(section: Any) -> None:
    assert ChannelOptions.from_credentials(section) == ChannelOptions()


def test_every_key_is_read() -> None:
    section = {
        "business_id": "343",
        "secret": "s1",
        "unsigned": "true",
        "webhook_secret": 123,
        "inbox": True,
        "hold_back": "0.5",
    }
    assert ChannelOptions.from_credentials(section) == ChannelOptions(
        business_id=343, secret="s1", unsigned=True, webhook_secret="123", inbox=True, hold_back=0.5
    )


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"webhok_secret": "x"}, "webhook_secret"),
        ({"business_id": "shop"}, "`business_id` must be a number"),
        ({"business_id": True}, "`business_id` must be a number"),
        ({"secret": ["x"]}, "`secret` must be text"),
        ({"secret": "${NODE_SECRET}"}, "environment variable that is not set"),
        ({"webhook_secret": "$WEBHOOK_SECRET"}, "environment variable that is not set"),
        ({"inbox": "perhaps"}, "`inbox` must be true or false"),
        ({"hold_back": 9}, "`hold_back` must be seconds from 0 to 5"),
        ({"hold_back": "nan"}, "`hold_back` must be seconds from 0 to 5"),
        ({"hold_back": False}, "`hold_back` must be seconds from 0 to 5"),
        ("a text", "must be a section"),
        (["a list"], "must be a section"),
    ],
)
def test_what_cannot_work_is_named(section: Any, told: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        ChannelOptions.from_credentials(section)
    assert told in str(raised.value)
    assert "credentials.yml" in str(raised.value)


def test_no_secret_is_printed() -> None:
    assert "s3cret" not in repr(ChannelOptions(secret="s3cret", webhook_secret="s3cret"))
    with pytest.raises(ConfigurationError) as raised:
        ChannelOptions.from_credentials({"secret": ["s3cret"]})
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("words", "environ", "file"),
    [
        (["rasa", "run"], {}, "endpoints.yml"),
        (["rasa", "run", "--endpoints", "conf/e.yml", "--enable-api"], {}, "conf/e.yml"),
        (["rasa", "run", "--endpoints=conf/e.yml"], {}, "conf/e.yml"),
        (["rasa", "run", "--endpoints"], {}, "endpoints.yml"),
        (["rasa", "run", "--endpoints="], {}, "endpoints.yml"),
        (["rasa", "run", "--endpoints", "conf/e.yml"], {"HAPTIK_ENDPOINTS": "mine.yml"}, "mine.yml"),
    ],
)
def test_the_settings_come_from_the_file_that_rasa_was_started_with(
    words: list[str], environ: dict[str, str], file: str
) -> None:
    assert endpoints_file(words, environ) == file
