from __future__ import annotations

import pickle

import pytest

from haptik_actions import errors


def all_errors() -> list[type[errors.HaptikError]]:
    return [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", all_errors())
def test_every_error_is_in_the_drawn_tree_and_below_the_root(kind: type[errors.HaptikError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")
    assert issubclass(kind, errors.HaptikError)


@pytest.mark.parametrize("kind", [k for k in all_errors() if k not in (errors.HaptikError, errors.ApiError)])
def test_every_error_says_what_helps(kind: type[errors.HaptikError]) -> None:
    assert kind.remedy or kind is errors.ConfigurationError or kind.__doc__


@pytest.mark.parametrize(
    ("error", "attributes"),
    [
        (
            errors.UnknownTeam("invalid team_name provided", status=400, endpoint="/x/"),
            {"message": "invalid team_name provided", "status": 400, "endpoint": "/x/"},
        ),
        (
            errors.RateLimited("slow down", status=429, endpoint="/x/", retry_after=2.5),
            {"message": "slow down", "status": 429, "endpoint": "/x/", "retry_after": 2.5},
        ),
        (errors.UnexpectedResponse("odd", endpoint="/x/", status=200), {"endpoint": "/x/", "status": 200}),
    ],
)
def test_errors_survive_the_way_between_processes(error: errors.HaptikError, attributes: dict[str, object]) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert {name: getattr(copy, name) for name in attributes} == attributes
