-- Break-glass (services/alerts/overrides.py): who opened another team's case in an emergency, why, until when, and what a
-- supervisor thought of it. A row stays for ever: the service's role can add a verdict and take away words, and no more.
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
DECLARE service text := replace(current_user, '_owner', '');
BEGIN
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON overrides FROM %I', service);
    EXECUTE format(
        'GRANT UPDATE (until, reviewer, reviewer_name, reviewed_at, verdict, note, reason) ON overrides TO %I', service
    );
END $$;

-- A mail about an override: to the team whose case it is, with the alert that it leads to, or to those who review.
ALTER TABLE mails ADD override uuid REFERENCES overrides, ADD alert uuid REFERENCES alerts;
