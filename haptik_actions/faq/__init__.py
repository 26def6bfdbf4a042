"""FAQ nodes in step with a knowledge base: lint a source, plan what changes, apply it.

    report, nodes = load(open_source("faq.csv"))
    outcome = await Applier(FileLedger("ledger", "shop_faq"), client).apply(nodes, source="faq.csv")

The platform makes every FAQ node inactive with each upload and stops at the first bad row. So nothing is uploaded that
the lint refuses, nothing becomes inactive that no plan has shown, and each step is written down before it is taken.
"""

from haptik_actions.faq._apply import Applier, Outcome, Platform
from haptik_actions.faq._findings import CODES, LEVELS, Code, Finding, Findings, Level
from haptik_actions.faq._ledger import FileLedger, Lease, Ledger, Run
from haptik_actions.faq._ledger_redis import RedisLedger
from haptik_actions.faq._lint import Limits, LintReport, lint, load, sarif
from haptik_actions.faq._node import COLUMNS, FaqNode, NodeSet, Source
from haptik_actions.faq._open import FORMATS, open_source, watch
from haptik_actions.faq._plan import Allowance, Change, Difference, Plan, Update, plan
from haptik_actions.faq._spreadsheets import CsvSource, read_csv, write_csv

__all__ = [
    "CODES",
    "COLUMNS",
    "FORMATS",
    "LEVELS",
    "Allowance",
    "Applier",
    "Change",
    "Code",
    "CsvSource",
    "Difference",
    "FaqNode",
    "FileLedger",
    "Finding",
    "Findings",
    "Lease",
    "Ledger",
    "Level",
    "Limits",
    "LintReport",
    "NodeSet",
    "Outcome",
    "Plan",
    "Platform",
    "RedisLedger",
    "Run",
    "Source",
    "Update",
    "lint",
    "load",
    "open_source",
    "plan",
    "read_csv",
    "sarif",
    "watch",
    "write_csv",
]
