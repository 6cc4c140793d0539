"""What alerts is told besides the common settings."""

from pydantic import Field

from shared.settings import Settings


class AlertSettings(Settings):
    """Common settings, and those of golden records, mail and break-glass."""

    linkage_url: str = Field("http://127.0.0.1:8002", description="Where linkage answers, inside.")
    smtp: str = Field("smtp://127.0.0.1:25", description="Where mail is handed over.")
    mail_from: str = Field("jigsaw@localhost", description="Its sender.")
    mail_to: str = Field("{team}@localhost", description="A team's address; {team} is its name in the routing.")
    mail_wait: float = Field(30, description="Seconds a team's first new alert waits for others to be mailed with it.")
    mail_interval: float = Field(300, description="Seconds at least between two mails to one team.")
    mail_review: str = Field("supervisors@localhost", description="Those who review cases opened in an emergency.")
    override_seconds: float = Field(3600, gt=0, le=86400, description="Seconds that such a case stays open.")
