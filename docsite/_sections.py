"""What stands where on the site. A page of `docs/` that no section names fails the build."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["API", "EXAMPLES", "NOT_PUBLIC", "SECTIONS", "TOP", "Section"]

Section = tuple[str, Sequence[tuple[str, str]]]

TOP = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/TRIED.md": "benchmarks/TRIED.md",
}
"""Pages that stand outside of `docs/`: their place in the repository, and on the site."""

EXAMPLES = ("examples/rasa_project", "examples/compose", "examples/kubernetes")
"""Folders that become one page each: their README, and below it their files."""

API = (
    ("haptik_actions", "The package"),
    ("haptik_actions.actions", "Guarding actions"),
    ("haptik_actions.channel", "Rasa's side"),
    ("haptik_actions.client", "The client"),
    ("haptik_actions.credentials", "Credentials"),
    ("haptik_actions.config", "Settings"),
    ("haptik_actions.hsl", "Elements (HSL)"),
    ("haptik_actions.render", "Rendering"),
    ("haptik_actions.preview", "Previews"),
    ("haptik_actions.answers", "Answers"),
    ("haptik_actions.forms", "Forms"),
    ("haptik_actions.messages", "The message store"),
    ("haptik_actions.nlg", "The NLG endpoint"),
    ("haptik_actions.faq", "FAQ nodes"),
    ("haptik_actions.relay", "The relay"),
    ("haptik_actions.escalation", "Hand-offs"),
    ("haptik_actions.rasa_api", "Rasa's HTTP API"),
    ("haptik_actions.sandbox", "The sandbox"),
    ("haptik_actions.testing", "Testing"),
)
"""The public modules, in the order of the site."""

NOT_PUBLIC = {"haptik_actions.cli", "haptik_actions.demo", "haptik_actions.studio"}
"""Modules without an underscore that are no Python API. `haptik_actions.errors` has a page of its own."""

SECTIONS: Sequence[Section] = (
    ("Tutorial", (("tutorial.md", "From a silent bot to a person, and back"),)),
    (
        "How-to",
        (
            ("guarding.md", "Guard actions"),
            ("haptik-channel.md", "Rasa's channels"),
            ("haptik-in-front.md", "Haptik in front"),
            ("how-to/secrets.md", "Secrets"),
            ("how-to/docker.md", "Docker"),
            ("how-to/kubernetes.md", "Kubernetes"),
            ("how-to/several-bots.md", "Several bots and partners"),
            ("how-to/business-hours.md", "Business hours"),
            ("how-to/translating.md", "Translating"),
            ("how-to/monitoring.md", "Monitoring"),
            ("faq.md", "FAQ nodes"),
            ("how-to/faq-pipeline.md", "FAQ from a pipeline"),
            ("how-to/testing-a-bot.md", "Test a bot with pytest"),
            ("forms.md", "Forms"),
            ("hsl.md", "Elements"),
            ("messages.md", "The bot's sentences"),
            ("studio.md", "The studio"),
            ("client.md", "Haptik from Python"),
            ("testing.md", "Fixtures for tests"),
            ("sandbox.md", "The sandbox"),
            ("examples/rasa_project.md", "Example: a bot"),
            ("examples/compose.md", "Example: Compose"),
            ("examples/kubernetes.md", "Example: Kubernetes"),
        ),
    ),
    (
        "Reference",
        (
            ("configuration.md", "Configuration"),
            ("cli.md", "The command line"),
            ("channels.md", "What channels show"),
            ("reference/settings.md", "All settings"),
            ("reference/commands.md", "All commands"),
            ("reference/messages.md", "All message keys"),
            ("reference/metrics.md", "All metrics"),
            ("reference/errors.md", "Errors and their texts"),
        ),
    ),
    (
        "Explanation",
        (
            ("trust.md", "Threats, promises and limits"),
            ("relay.md", "The relay"),
            ("architecture.md", "Architecture"),
            ("performance.md", "Performance"),
            ("comparison.md", "Other ways"),
            ("compatibility.md", "What is public"),
            ("decisions/README.md", "Decisions"),
            ("benchmarks/TRIED.md", "What was tried"),
        ),
    ),
    (
        "Project",
        (
            ("changelog.md", "Changes"),
            ("contributing.md", "Contributing"),
            ("releasing.md", "Releasing"),
            ("security.md", "Security"),
        ),
    ),
)
