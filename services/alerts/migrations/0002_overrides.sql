-- Break-glass (services/alerts/overrides.py): who opened another team's case in an emergency, why, until when, and what a
-- supervisor thought of it. A row stays for ever: what the service's role cannot delete, it cannot hide.
CREATE TABLE overrides (
    override uuid PRIMARY KEY,
    alert uuid NOT NULL REFERENCES alerts,
    person uuid NOT NULL,
    actor text NOT NULL,
    actor_name text NOT NULL,
    actor_team text NOT NULL,
    reason text NOT NULL,
    given_at timestamptz NOT NULL,
    until timestamptz NOT NULL CHECK (until >= given_at),
    reviewer text CHECK (reviewer <> actor),
    reviewer_name text,
    reviewed_at timestamptz,
    verdict text,
    note text NOT NULL DEFAULT '',
    CHECK (num_nulls(reviewer, reviewer_name, reviewed_at, verdict) IN (0, 4))
);
CREATE INDEX overrides_actor ON overrides (actor, person);
CREATE INDEX overrides_person ON overrides (person);
CREATE INDEX overrides_waiting ON overrides (given_at, override) WHERE verdict IS NULL;
CREATE INDEX overrides_reviewed ON overrides (reviewed_at DESC, override) WHERE verdict IS NOT NULL;

DO $$
BEGIN
    EXECUTE format('REVOKE DELETE, TRUNCATE ON overrides FROM %I', replace(current_user, '_owner', ''));
END $$;

-- A mail about an override: to the team whose case it is, with the alert that it leads to, or to those who review.
ALTER TABLE mails ADD override uuid REFERENCES overrides, ADD alert uuid REFERENCES alerts;
