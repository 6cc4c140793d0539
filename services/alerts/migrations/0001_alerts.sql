-- What scoring has said, what was decided, who did what, what open pages must hear, and what is mailed.

-- One row an entity and initiative (services/alerts/standing.py). Rewritten with every score, so rows keep room for
-- their next version (heap-only updates: no column in an index but the key). A score that can open nothing keeps no reasons.
CREATE TABLE standings (
    initiative text NOT NULL,
    entity uuid NOT NULL,
    version bigint,
    score double precision,
    area text,
    reasons jsonb,
    receipt uuid,
    as_of timestamptz,
    raised bigint NOT NULL,
    lowered bigint NOT NULL,
    left_at bigint NOT NULL,
    settled boolean NOT NULL,
    episodes int NOT NULL,
    PRIMARY KEY (entity, initiative)
) WITH (fillfactor = 70);

-- Where the ids of merged entities lead, always to the end of the chain.
CREATE TABLE redirects (
    entity uuid PRIMARY KEY,
    into_entity uuid NOT NULL CHECK (into_entity <> entity)
);
CREATE INDEX redirects_into ON redirects (into_entity);

-- Ids that must stay empty: a score that comes late opens nothing.
CREATE TABLE erased (
    entity uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now()
);

-- One row an episode of one person in one initiative (services/alerts/domain.py).
CREATE TABLE alerts (
    id uuid PRIMARY KEY,
    initiative text NOT NULL,
    entity uuid NOT NULL,
    raised_as uuid NOT NULL,
    episode int NOT NULL,
    team text NOT NULL,
    state text NOT NULL,
    score double precision,
    band text NOT NULL,
    reasons jsonb NOT NULL,
    receipt uuid NOT NULL,
    as_of timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    version int NOT NULL,
    keeper text,
    keeper_name text,
    outcome text,
    joined_into uuid REFERENCES alerts,
    UNIQUE (initiative, raised_as, episode),
    -- At most one live alert a person and initiative; looked at when the transaction ends, for in a merge one moves in
    -- while the other is joined to it.
    CONSTRAINT one_live EXCLUDE USING btree (entity WITH =, initiative WITH =)
        WHERE (state IN ('open', 'acknowledged')) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX alerts_person ON alerts (entity, initiative);
CREATE INDEX alerts_joined ON alerts (joined_into) WHERE joined_into IS NOT NULL;
CREATE INDEX alerts_queue ON alerts (team, state, score DESC, opened_at DESC, id);
CREATE INDEX alerts_queue_all ON alerts (state, score DESC, opened_at DESC, id);

-- Every change with the old and the new value, by whom and with which note. No identity of the person is in it.
CREATE TABLE history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert uuid NOT NULL REFERENCES alerts,
    at timestamptz NOT NULL,
    change text NOT NULL,
    differences jsonb NOT NULL,
    actor text NOT NULL,
    actor_name text NOT NULL,
    note text NOT NULL
);
CREATE INDEX history_alert ON history (alert, id);

-- What open pages must hear, in the order of commits: writers of this service take turns (`turn` in queries.sql), so
-- a number that is visible is never followed by a smaller one.
CREATE TABLE feed (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert uuid NOT NULL REFERENCES alerts,
    team text NOT NULL,
    change text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX feed_at ON feed USING brin (at);

-- One mail a team and burst; `id` makes its Message-ID, so a second sending can be known as the same.
CREATE TABLE mails (
    id uuid PRIMARY KEY,
    team text NOT NULL,
    address text NOT NULL,
    made_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    sent_at timestamptz
);
CREATE INDEX mails_due ON mails (due_at) WHERE sent_at IS NULL;
CREATE INDEX mails_team ON mails (team, made_at DESC);

-- Which alerts a team must be mailed about: once each.
CREATE TABLE mail_items (
    alert uuid PRIMARY KEY REFERENCES alerts,
    initiative text NOT NULL,
    team text NOT NULL,
    at timestamptz NOT NULL,
    mail uuid REFERENCES mails
);
CREATE INDEX mail_items_waiting ON mail_items (team, at) WHERE mail IS NULL;
CREATE INDEX mail_items_mail ON mail_items (mail);
