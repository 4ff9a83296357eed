"""Who plays: three services that call each other, and three people who each changed one."""

from dataclasses import dataclass

ZONE = "linkup.test"
SHARED = "shared"
# In the order of the calls: each asks the next.
SERVICES = ("frontend", "backend", "auth")


@dataclass(frozen=True)
class Session:
    name: str
    own: str  # the service that is theirs

    def copies(self, entered_at: str = SERVICES[0]) -> dict[str, str]:
        """Which copy of each service must answer, from the one that is asked first."""
        return {service: self.name if service == self.own else SHARED
                for service in called_from(entered_at)}


SESSIONS = (Session("peter", "frontend"), Session("mary", "backend"), Session("paul", "auth"))


def called_from(service: str) -> tuple[str, ...]:
    return SERVICES[SERVICES.index(service):]


def calls(service: str) -> str | None:
    return dict(zip(SERVICES, SERVICES[1:])).get(service)


def all_shared(entered_at: str = SERVICES[0]) -> dict[str, str]:
    return dict.fromkeys(called_from(entered_at), SHARED)


def copies_of(service: str) -> list[str]:
    return [SHARED, *(s.name for s in SESSIONS if s.own == service)]
