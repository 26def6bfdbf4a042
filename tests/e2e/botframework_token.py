"""Prints a key of the Bot Framework as it is published, and a token that is signed with it, for the bot `app`.

Runs in the interpreter that has Rasa, whose packages can sign.
"""

from __future__ import annotations

import json

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

KEY_ID = "the key"


def main() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    published = {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": KEY_ID}
    token = jwt.encode({"aud": "app"}, key, algorithm="RS256", headers={"kid": KEY_ID})
    print(json.dumps({"key": published, "token": token}))


if __name__ == "__main__":
    main()
