"""Where the client id and the token come from, and the cache in front of it.

A provider is any object with `async def get(self) -> Credentials`. `HaptikClient` puts a `CachedCredentials` in front
of the provider it is given, so a provider can read its source every time.
"""

from haptik_actions.credentials._cache import CachedCredentials
from haptik_actions.credentials._providers import (
    CallableCredentials,
    ChainCredentials,
    Credentials,
    CredentialsByBusiness,
    CredentialsProvider,
    CredentialsSelector,
    EnvironmentCredentials,
    FileCredentials,
    RedisCredentials,
    StaticCredentials,
)

__all__ = [
    "CachedCredentials",
    "CallableCredentials",
    "ChainCredentials",
    "Credentials",
    "CredentialsByBusiness",
    "CredentialsProvider",
    "CredentialsSelector",
    "EnvironmentCredentials",
    "FileCredentials",
    "RedisCredentials",
    "StaticCredentials",
]
