-- name: lock_writers
-- Writers of this service take turns: a decision sees every earlier one, and the feed's numbers are in the order of
-- commits, so that a reader who has seen one has seen all before it. Ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('alerts'));

-- name: kept_of
-- These ids, where they lead and all who lead there: each with its redirect, whether it was erased, whether it has or had
-- alerts, and what scoring has said of it, a row an initiative. Indexes: redirects_pkey, redirects_into, erased_pkey,
-- alerts_person (OFFSET 0: never the whole table), standings_pkey.
WITH asked AS (
    SELECT unnest($1::uuid[]) AS entity
), people AS (
    SELECT entity FROM asked UNION SELECT into_entity FROM asked JOIN redirects USING (entity)
), everyone AS (
    SELECT entity FROM people UNION SELECT r.entity FROM people JOIN redirects r ON r.into_entity = people.entity
)
SELECT entity, into_entity, erased.at IS NOT NULL AS gone,
    EXISTS (SELECT FROM alerts WHERE alerts.entity = everyone.entity OFFSET 0) AS alerted,
    initiative, version, score, area, reasons, receipt, as_of, raised, lowered, left_at, settled, episodes
FROM everyone LEFT JOIN redirects USING (entity) LEFT JOIN erased USING (entity) LEFT JOIN standings USING (entity);

-- name: counting
-- Alerts of these people that a new score can change: live ones, and what lapsed since $2. Index: alerts_person.
SELECT * FROM alerts
WHERE entity = ANY($1::uuid[]) AND (state IN ('open', 'acknowledged') OR (state = 'lapsed' AND changed_at > $2));

-- name: all_of
-- Every alert of these people, ended ones too. Index: alerts_person.
SELECT * FROM alerts WHERE entity = ANY($1::uuid[]) ORDER BY opened_at DESC, id;

-- name: redirect
-- Keep where ids lead; an id further along its chain is kept anew. Index: redirects_pkey.
INSERT INTO redirects (entity, into_entity) SELECT * FROM unnest($1::uuid[], $2::uuid[])
ON CONFLICT (entity) DO UPDATE SET into_entity = excluded.into_entity;

-- name: stand
-- Keep standings. Index: standings_pkey.
WITH standing AS (
    INSERT INTO standings (
        initiative, entity, version, score, area, reasons, receipt, as_of, raised, lowered, left_at, settled, episodes
    )
    SELECT * FROM unnest(
        $1::text[], $2::uuid[], $3::bigint[], $4::double precision[], $5::text[], $6::jsonb[], $7::uuid[],
        $8::timestamptz[], $9::bigint[], $10::bigint[], $11::bigint[], $12::boolean[], $13::int[]
    )
    ON CONFLICT (entity, initiative) DO UPDATE SET
        version = excluded.version, score = excluded.score, area = excluded.area, reasons = excluded.reasons,
        receipt = excluded.receipt, as_of = excluded.as_of, raised = excluded.raised, lowered = excluded.lowered,
        left_at = excluded.left_at, settled = excluded.settled, episodes = excluded.episodes
)
SELECT NULL

-- name: keep
-- Keep alerts as they are now. Index: alerts_pkey.
INSERT INTO alerts (
    id, initiative, entity, raised_as, episode, team, state, score, band, reasons, receipt, as_of, opened_at,
    changed_at, version, keeper, keeper_name, outcome, joined_into
)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::text[], $8::double precision[], $9::text[],
    $10::jsonb[], $11::uuid[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::int[], $16::text[],
    $17::text[], $18::text[], $19::uuid[]
)
ON CONFLICT (id) DO UPDATE SET
    entity = excluded.entity, team = excluded.team, state = excluded.state, score = excluded.score,
    band = excluded.band, reasons = excluded.reasons, receipt = excluded.receipt, as_of = excluded.as_of,
    changed_at = excluded.changed_at, version = excluded.version, keeper = excluded.keeper,
    keeper_name = excluded.keeper_name, outcome = excluded.outcome, joined_into = excluded.joined_into;

-- name: remember
-- Keep changes, in their order.
INSERT INTO history (alert, at, change, differences, actor, actor_name, note)
SELECT * FROM unnest(
    $1::uuid[], $2::timestamptz[], $3::text[], $4::jsonb[], $5::text[], $6::text[], $7::text[]
);

-- name: tell
-- Tell open pages of changes, in their order; the numbers they got.
INSERT INTO feed (alert, team, change, at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
RETURNING seq;

-- name: announce
-- Teams to be mailed about alerts that opened. Index: mail_items_pkey.
INSERT INTO mail_items (alert, initiative, team, at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) ON CONFLICT DO NOTHING;

-- name: erase
-- Nothing more of these ids. Index: erased_pkey.
INSERT INTO erased (entity) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING;

-- name: erase_standings
-- What scoring has said of somebody who was erased. Index: standings_pkey.
DELETE FROM standings WHERE entity = ANY($1::uuid[]);

-- name: erase_notes
-- What people wrote about somebody who was erased; that something happened stays. Indexes: alerts_person, history_alert.
UPDATE history SET note = '', differences = differences - 'band' - 'outcome'
WHERE alert IN (SELECT id FROM alerts WHERE entity = ANY($1::uuid[]));

-- name: lock_alert
-- One alert, for somebody who is about to change it. Index: alerts_pkey.
SELECT * FROM alerts WHERE id = $1 FOR UPDATE;

-- name: alert
-- One alert, to look at. Index: alerts_pkey.
SELECT * FROM alerts WHERE id = $1;

-- name: queue
-- A team's alerts in a state, the most urgent first ($1 null: of every team). Indexes: alerts_queue, alerts_queue_all.
SELECT * FROM alerts
WHERE ($1::text IS NULL OR team = $1) AND state = ANY($2::text[]) AND initiative = ANY($3::text[])
ORDER BY score DESC NULLS LAST, opened_at DESC, id LIMIT $4 OFFSET $5;

-- name: counts
-- How many alerts a team has in each state that is worth a number. Indexes: alerts_queue, alerts_queue_all.
SELECT state, count(*) AS number FROM alerts
WHERE ($1::text IS NULL OR team = $1) AND initiative = ANY($2::text[])
GROUP BY state;

-- name: past
-- What an alert, and those that were joined to it, went through. Indexes: alerts_joined, history_alert.
WITH RECURSIVE told AS (
    SELECT $1::uuid AS id UNION SELECT a.id FROM told JOIN alerts a ON a.joined_into = told.id
)
SELECT h.alert, h.at, h.change, h.differences, h.actor, h.actor_name, h.note
FROM told JOIN history h ON h.alert = told.id ORDER BY h.id DESC;

-- name: history_of
-- What alerts went through, in its order. Index: history_alert.
SELECT alert, at, change, differences, actor, actor_name, note FROM history WHERE alert = ANY($1::uuid[])
ORDER BY id;

-- name: mailed
-- Which teams were mailed that alerts had opened, and when. Indexes: mail_items_pkey, mails_pkey.
SELECT i.alert, i.team, i.at, m.sent_at FROM mail_items i LEFT JOIN mails m ON m.id = i.mail
WHERE i.alert = ANY($1::uuid[]) ORDER BY i.at;

-- name: overrides_of
-- All overrides of people, by any of their ids. Index: overrides_person.
SELECT * FROM overrides WHERE person = ANY($1::uuid[]) ORDER BY given_at;

-- name: newest
-- The feed's last number. Index: feed_pkey.
SELECT coalesce(max(seq), 0) FROM feed;

-- name: oldest
-- The feed's first number: who has seen less cannot be told what they missed. Index: feed_pkey.
SELECT coalesce(min(seq), 0) FROM feed;

-- name: after
-- What the feed says after a number, with each alert as it is now. Index: feed_pkey.
SELECT f.seq, f.team AS told, f.change, f.at AS said_at, a.* FROM feed f JOIN alerts a ON a.id = f.alert
WHERE f.seq > $1 AND ($2::text IS NULL OR f.team = $2) ORDER BY f.seq LIMIT $3;

-- name: forget
-- Drop what no page that is still open can ask for. Index: feed_at.
DELETE FROM feed WHERE at < $1;

-- name: lock_mails
-- One process at a time gathers mails; others see what it gathered. Ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('alerts mail'));

-- name: waiting
-- Teams with alerts they were not mailed about: since when, the first of them, and when the team was last mailed.
-- Indexes: mail_items_waiting, mails_team.
SELECT DISTINCT ON (i.team) i.team, i.at AS since, i.alert AS first,
    (SELECT max(m.made_at) FROM mails m WHERE m.team = i.team AND m.override IS NULL) AS last
FROM mail_items i WHERE i.mail IS NULL ORDER BY i.team, i.at, i.alert;

-- name: write
-- A mail to be sent. Index: mails_pkey.
INSERT INTO mails (id, team, address, made_at, due_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING;

-- name: write_of_override
-- Mails about an override, to be sent at once. Index: mails_pkey.
INSERT INTO mails (id, team, address, made_at, due_at, override, alert)
SELECT id, team, address, $1, $1, $2, alert
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[]) AS mail (id, team, address, alert) ON CONFLICT DO NOTHING;

-- name: enclose
-- All that waits for a team goes into its mail. Index: mail_items_waiting.
UPDATE mail_items SET mail = $1 WHERE team = $2 AND mail IS NULL;

-- name: take
-- Mails whose time has come. Each is ours until its next attempt is due: a process that dies leaves it to another.
-- Index: mails_due.
UPDATE mails SET attempts = attempts + 1, due_at = $1 + least(5 * power(2, attempts), 600) * interval '1 second'
WHERE id IN (
    SELECT id FROM mails WHERE sent_at IS NULL AND due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING id, team, address, made_at, attempts, override, alert;

-- name: contents
-- How many alerts of which initiative a mail is about. Index: mail_items_mail.
SELECT initiative, count(*) AS number FROM mail_items WHERE mail = $1 GROUP BY initiative ORDER BY initiative;

-- name: sent
-- The mail server has taken it. Index: mails_pkey.
UPDATE mails SET sent_at = $2 WHERE id = $1;

-- name: unsent
-- Mails the mail server has not taken. Index: mails_due.
SELECT count(*) FROM mails WHERE sent_at IS NULL;

-- name: override_of
-- The last time that somebody opened a person's case, by whatever id the person had then: what ends last, for replicas'
-- clocks may differ.
-- Indexes: overrides_actor, redirects_into.
SELECT * FROM overrides
WHERE actor = $1 AND person = ANY(ARRAY(SELECT $2::uuid UNION ALL SELECT entity FROM redirects WHERE into_entity = $2))
ORDER BY until DESC, given_at DESC LIMIT 1;

-- name: give
-- Somebody opens a person's case. Index: overrides_pkey.
INSERT INTO overrides (override, alert, person, actor, actor_name, actor_team, reason, given_at, until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: lock_override
-- An override and its alert, for somebody who is about to review it. Indexes: overrides_pkey, alerts_pkey.
SELECT o.*, a.* FROM overrides o JOIN alerts a ON a.id = o.alert WHERE o.override = $1 FOR UPDATE OF o;

-- name: review
-- What a supervisor thinks of it. Index: overrides_pkey.
UPDATE overrides SET until = $2, reviewer = $3, reviewer_name = $4, reviewed_at = $5, verdict = $6, note = $7
WHERE override = $1;

-- name: overrides_waiting
-- Overrides without a verdict, the oldest first. Indexes: overrides_waiting, alerts_pkey.
SELECT o.*, a.* FROM overrides o JOIN alerts a ON a.id = o.alert WHERE o.verdict IS NULL
ORDER BY o.given_at, o.override LIMIT $1 OFFSET $2;

-- name: overrides_reviewed
-- Overrides with a verdict, the last reviewed first. Indexes: overrides_reviewed, alerts_pkey.
SELECT o.*, a.* FROM overrides o JOIN alerts a ON a.id = o.alert WHERE o.verdict IS NOT NULL
ORDER BY o.reviewed_at DESC, o.override LIMIT $1 OFFSET $2;

-- name: unreviewed
-- How many overrides wait for a verdict, and since when. Index: overrides_waiting.
SELECT count(*) AS number, min(given_at) AS since FROM overrides WHERE verdict IS NULL;

-- name: erase_words
-- What was written about somebody who was erased, by whoever opened their case and whoever reviewed that. Index: overrides_person.
UPDATE overrides SET reason = '', note = '' WHERE person = ANY($1::uuid[]);
