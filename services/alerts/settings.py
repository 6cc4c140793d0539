"""What alerts alone is told by its environment."""

from pydantic import Field

from shared.settings import Settings


class AlertSettings(Settings):
    """The common variables, those of the mail and of break-glass."""

    mail_to: str = Field("{team}@localhost", description="A team's address; {team} is its name in the routing.")
    mail_wait: float = Field(30, description="Seconds a team's first new alert waits for others to be mailed with it.")
    mail_interval: float = Field(300, description="Seconds at least between two mails to one team.")
    mail_review: str = Field("supervisors@localhost", description="Those who review cases opened in an emergency.")
    override_seconds: float = Field(3600, gt=0, le=86400, description="Seconds that such a case stays open.")
