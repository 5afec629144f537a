"""The stack's own bridge and its firewall rules, kept apart from those of any other Docker on the machine."""

from __future__ import annotations

from pathlib import Path

from tests.stack.apt import find_program
from tests.stack.layout import Choices
from tests.stack.shell import run, succeeds

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


def raise_bridge(choices: Choices) -> None:
    """Create the bridge and let what is behind it reach out. Does nothing where that is done already."""
    if not Path("/sys/class/net", choices.bridge).exists():
        ip = find_program("ip")
        run([ip, "link", "add", "name", choices.bridge, "type", "bridge"], hint="the machine must allow bridges")
        run([ip, "address", "add", gateway(choices) + "/24", "dev", choices.bridge])
        run([ip, "link", "set", choices.bridge, "up"])
    if FORWARDING.read_text().strip() != "1":
        FORWARDING.write_text("1")
    for table, chain, rule in _rules(choices):
        if not _iptables(table, "-C", chain, rule):
            run([find_program("iptables"), "-w", "-t", table, "-I", chain, *rule])


def remove_bridge(choices: Choices) -> None:
    """Take the bridge and the rules away."""
    for table, chain, rule in _rules(choices):
        while _iptables(table, "-C", chain, rule):
            run([find_program("iptables"), "-w", "-t", table, "-D", chain, *rule])
    if Path("/sys/class/net", choices.bridge).exists():
        run([find_program("ip"), "link", "delete", choices.bridge])


def gateway(choices: Choices) -> str:
    """The host's address on the bridge."""
    return choices.subnet.removesuffix("0.0/16") + "0.1"


def created_networks(choices: Choices) -> str:
    """The part of the subnet that ``docker network create`` takes its networks from."""
    return choices.subnet.removesuffix("0.0/16") + "128.0/17"


def _rules(choices: Choices) -> list[tuple[str, str, list[str]]]:
    subnet, note = choices.subnet, ["-m", "comment", "--comment", choices.bridge]
    return [
        ("nat", "POSTROUTING", ["-s", subnet, "!", "-d", subnet, *note, "-j", "MASQUERADE"]),
        ("filter", "FORWARD", ["-s", subnet, *note, "-j", "ACCEPT"]),
        ("filter", "FORWARD", ["-d", subnet, *note, "-j", "ACCEPT"]),
    ]


def _iptables(table: str, action: str, chain: str, rule: list[str]) -> bool:
    return succeeds([find_program("iptables"), "-w", "-t", table, action, chain, *rule])
