-- name: done
-- What of this was done before. Index: inbox_pkey.
SELECT id FROM inbox WHERE id = ANY ($1::uuid[]);

-- name: enter
-- Note messages as done ($1), if nobody has; who does the same is waited for. Index: inbox_pkey.
WITH entered AS (
    INSERT INTO inbox (id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING 1
)
SELECT CASE WHEN (SELECT count(*) FROM entered) < cardinality($1::uuid[]) THEN again('some was done before') END

-- name: failed
-- One more message in a row that our own code could not handle. Index: the only row.
UPDATE faults SET in_a_row = in_a_row + 1 RETURNING in_a_row;

-- name: succeeded
-- A batch was done: what failed before it was the messages' fault. Index: the only row.
UPDATE faults SET in_a_row = 0 WHERE in_a_row > 0;

-- name: prune_inbox
-- Forget at most $2 of what the bus has long forgotten. Index: inbox_at, then where the rows are.
DELETE FROM inbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM inbox WHERE at < now() - $1::interval LIMIT $2));

-- name: bury
-- Keep a message that could not be handled; once, however often it is heard. Index: dead_letters' unique key.
INSERT INTO dead_letters (id, topic, partition, "offset", reason, detail, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id;

-- name: say
-- Keep what must be said ($2) by us ($1), in the transaction that decides it; forget $3, which the broker has
-- acknowledged; note $4 as done, as `enter` does. Index: outbox_pkey, inbox_pkey.
WITH entered AS (
    INSERT INTO inbox (id) SELECT unnest($4::uuid[]) ON CONFLICT DO NOTHING RETURNING 1
), acknowledged AS (
    DELETE FROM outbox WHERE id = ANY ($3::bigint[])
), packed_up AS (
    INSERT INTO outbox (owner, messages) VALUES ($1, $2) RETURNING id
)
SELECT CASE WHEN (SELECT count(*) FROM entered) < cardinality($4::uuid[]) THEN again('some was done before')
    ELSE (SELECT id FROM packed_up) END

-- name: unpack
-- Forget what the broker has acknowledged. Index: outbox_pkey.
DELETE FROM outbox WHERE id = ANY($1::bigint[]);

-- name: adopt
-- Take over what a dead process left: its session lock is gone, so we can have it.
UPDATE outbox SET owner = $1, at = now() - interval '1 hour'
WHERE id IN (SELECT id FROM outbox WHERE owner <> $1 AND pg_try_advisory_xact_lock(owner) ORDER BY id LIMIT 1000);

-- name: unsent
-- What is ours to say, is not on its way ($2), and has had the time to be; at most $3. Oldest first.
SELECT id, messages FROM outbox
WHERE owner = $1 AND id <> ALL ($2::bigint[]) AND at < now() - interval '5 seconds'
ORDER BY id LIMIT $3;

-- name: owns
-- Say who we are for as long as this connection lives.
SELECT pg_advisory_lock($1);

-- name: try_turn
-- Take our turn if nobody has it, for as long as this connection lives; harmless when we have it.
SELECT pg_try_advisory_lock(hashtext($1));
