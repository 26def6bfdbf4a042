"""What a plan says: the difference of two sets, the ceiling on what may become inactive, and the notes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.errors import ConfigurationError, LedgerError
from haptik_actions.faq import Allowance, Change, FileLedger, NodeSet, Plan, Run, Update, plan
from haptik_actions.faq._apply import FoundRow, pointed_at
from haptik_actions.faq._node import Packer
from haptik_actions.faq._plan import compare


def packed(nodes: dict[str, tuple[str, str]]) -> NodeSet:
    return Packer.pack([name, question, answer, "", "", "", ""] for name, (question, answer) in nodes.items())


def many(count: int) -> dict[str, tuple[str, str]]:
    return {f"node {number}": (f"Question {number}?", f"Answer {number}.") for number in range(count)}


contents = st.dictionaries(
    st.sampled_from([f"n{number}" for number in range(8)]),
    st.tuples(st.sampled_from(["a", "b|c"]), st.sampled_from(["x", "y<m>z"])),
)


@settings(max_examples=200)
@given(before=contents, after=contents)
def test_a_difference_is_that_of_the_two_mappings(
    before: dict[str, tuple[str, str]], after: dict[str, tuple[str, str]]
) -> None:
    found = compare(packed(before), packed(after))
    assert list(found.creates) == [name for name in after if name not in before]
    assert list(found.deactivates) == [name for name in before if name not in after]
    updated = [name for name in after if name in before and before[name] != after[name]]
    assert [update.name for update in found.updates] == updated
    assert (found.created, found.updated, found.deactivated) == (
        len(found.creates),
        len(updated),
        len(found.deactivates),
    )
    assert found.unchanged == len(after) - found.created - found.updated
    assert found.is_empty == (before == after)


@settings(max_examples=100)
@given(nodes=contents)
def test_a_set_survives_being_kept(nodes: dict[str, tuple[str, str]]) -> None:
    known = packed(nodes)
    again = NodeSet.from_parts(*known.to_parts())
    assert again == known
    assert again.digest == packed(nodes).digest


def test_what_is_kept_and_was_cut_short_is_refused() -> None:
    index, rows = packed(many(3)).to_parts()
    with pytest.raises(ValueError, match="cut short"):
        NodeSet.from_parts(index[:-1], rows)
    with pytest.raises(LedgerError, match="are damaged"):
        list(NodeSet.from_parts(index, rows[:-9]).rows())


def test_spaces_around_parts_and_the_order_of_rows_are_no_change() -> None:
    before = packed({"a": ("x|y", "1<m>2"), "b": ("z", "3")})
    after = packed({" b": (" z", "3 "), "a ": ("x | y", "1 <m> 2")})
    assert compare(before, after).is_empty


def test_an_update_names_the_questions_and_bot_says_that_go_and_come() -> None:
    before = packed({"hours": ("When?|Open?", "9 to 18<m>Closed on Sundays")})
    after = packed({"hours": ("When?|Are you open?", "9 to 18<m>Closed on Sundays<m>See you")})
    assert compare(before, after).updates == (
        Update(
            name="hours",
            changes=(
                Change(column="question", removed=("Open?",), added=("Are you open?",)),
                Change(column="answer", removed=(), added=("See you",)),
            ),
        ),
    )


def test_a_list_has_an_end_and_the_counts_have_none() -> None:
    found = compare(packed(many(50)), packed({"new": ("a", "b")}), listed=5)
    assert (found.deactivated, len(found.deactivates)) == (50, 5)


def test_only_columns_in_use_are_uploaded() -> None:
    assert packed({"a": ("x", "y")}).upload() == b"node_name,question,answer\r\na,x,y\r\n"
    with_link = Packer.pack([["a", "x", 'say "y"', "", "", "", "https://shop.example"]])
    assert with_link.upload() == b'node_name,question,answer,link_url\r\na,x,"say ""y""",https://shop.example\r\n'


async def planned(tmp_path: Path, before: int, after: dict[str, tuple[str, str]], **allowed: Any) -> Plan:
    ledger = FileLedger(tmp_path, "shop")
    await applied(ledger, packed(many(before)))
    return await plan(ledger, packed(after), source="faq.csv", allowance=Allowance(**allowed))


async def applied(ledger: FileLedger, nodes: NodeSet, **fields: Any) -> Run:
    known = {"id": "run1", "domain": "shop", "state": "done", "digest": nodes.digest, "nodes": nodes.count}
    run = Run(**{**known, "source": "s", "owner": "o", "began": 1.0, "changed": 2.0, **fields})
    lease = await ledger.acquire("test")
    await ledger.record(lease, run, nodes)
    await ledger.release(lease)
    return run


def without(count: int, gone: int) -> dict[str, tuple[str, str]]:
    return dict(list(many(count).items())[gone:])


@pytest.mark.parametrize(
    ("before", "gone", "allowed", "refused"),
    [
        (20, 2, {}, False),
        (20, 3, {}, True),
        (9, 1, {}, True),
        (20, 3, {"names": ("node 0",)}, False),
        (20, 4, {"names": ("node 0",)}, True),
        (20, 3, {"names": ("node 19",)}, True),
        (20, 4, {"ceiling": "20%"}, False),
        (20, 5, {"ceiling": "20 %"}, True),
        (20, 5, {"ceiling": "5"}, False),
        (20, 1, {"ceiling": "0"}, True),
        (20, 1, {"ceiling": "0%", "names": ("node 0",)}, False),
        (20, 0, {"ceiling": "0"}, False),
    ],
)
async def test_more_deactivations_than_the_ceiling_are_refused_unless_lifted_by_name(
    tmp_path: Path, before: int, gone: int, allowed: dict[str, Any], refused: bool
) -> None:
    found = await planned(tmp_path, before, without(before, gone), **allowed)
    assert found.difference.deactivated == gone
    assert bool(found.refusals) == refused
    if refused:
        assert "--allow-deactivate NAME" in found.refusals[0]
        assert (
            f"--allow-deactivations {gone - len(allowed.get('names', ())) if gone > 3 else ''}"[:22]
            in found.refusals[0]
        )


@pytest.mark.parametrize("ceiling", ["", "a lot", "-1", "101%", "1.5"])
def test_a_ceiling_that_is_none_is_refused(ceiling: str) -> None:
    with pytest.raises(ConfigurationError, match="is no ceiling"):
        Allowance(ceiling=ceiling)


async def test_a_name_that_becomes_inactive_nowhere_is_noted(tmp_path: Path) -> None:
    found = await planned(tmp_path, 20, without(20, 1), names=("node 0", "nod 1"))
    assert found.notes == ("--allow-deactivate 'nod 1': no node of that name becomes inactive.",)


async def test_the_first_apply_has_to_be_meant(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path, "shop")
    refused = await plan(ledger, packed(many(3)), source="s")
    assert "becomes inactive, unseen. Say --first" in refused.refusals[0]
    allowed = await plan(ledger, packed(many(3)), source="s", allowance=Allowance(first=True))
    assert (allowed.refusals, allowed.difference.created, allowed.has_work) == ((), 3, True)


async def test_a_plan_keeps_its_id_while_nothing_changes(tmp_path: Path) -> None:
    first = await planned(tmp_path, 20, many(21))
    assert (await planned(tmp_path, 20, many(21))).id == first.id
    assert (await planned(tmp_path, 20, many(22))).id != first.id
    assert (await planned(tmp_path, 19, many(21))).id != first.id


@pytest.mark.parametrize("state", ["uploading", "polling", "failed", "unknown"])
async def test_after_a_run_that_did_not_end_well_everything_is_uploaded_again(tmp_path: Path, state: str) -> None:
    ledger = FileLedger(tmp_path, "shop")
    await applied(ledger, packed(many(5)))
    await applied(ledger, packed(many(6)), id="run2", state=state)
    found = await plan(ledger, packed(many(5)), source="s")
    assert (found.difference.is_empty, found.has_work) == (True, True)
    assert f"Run run2 did not end well ({state})" in found.notes[0]


@pytest.mark.parametrize("state", ["planned", "abandoned"])
async def test_a_run_that_sent_nothing_leaves_no_doubt(tmp_path: Path, state: str) -> None:
    ledger = FileLedger(tmp_path, "shop")
    await applied(ledger, packed(many(5)))
    await applied(ledger, packed(many(6)), id="run2", state=state)
    assert not (await plan(ledger, packed(many(5)), source="s")).has_work


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("Error in row 2: answer is empty", FoundRow(2, "node 1")),
        ("Error in row 9: node_name 'node 2' stands twice", FoundRow(3, "node 2")),
        ("Exception at line no. 1", FoundRow(1, "node 0")),
        ("node “node 1” could not be created", FoundRow(2, "node 1")),
        ("Error in row 40", None),
        ("invalid bot says", None),
    ],
)
def test_the_row_that_the_platform_points_at_is_found(words: str, place: FoundRow | None) -> None:
    assert pointed_at(words, packed(many(3))) == place
