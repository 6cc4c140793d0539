-- name: receive
-- Take in what is new. An event that was rejected may be sent again, corrected; one that was accepted stays. A pair that
-- another transaction is just taking in waits for it. Index: receipts_pkey.
INSERT INTO receipts (id, partner, event_id, type, reason, field, at)
SELECT *, $7::timestamptz FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
ON CONFLICT (id) DO UPDATE
    SET type = excluded.type, reason = '', field = '', at = excluded.at
    WHERE receipts.reason <> '' AND excluded.reason = ''
RETURNING id;

-- name: accepted_before
-- Which of the repeated events had been accepted. Index: receipts_pkey.
SELECT id FROM receipts WHERE id = ANY($1::uuid[]) AND reason = '';

-- name: tally
-- Add to the counts of the day; rows come in the order of the key, so that two transactions never wait for each other.
-- Index: tallies_pkey.
WITH counted AS (
    INSERT INTO tallies (day, partner, type, verdict, reason, field, events, last_at)
    SELECT $1::date, *, $8::timestamptz
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
    ON CONFLICT (partner, day, type, verdict, reason, field) DO UPDATE
        SET events = tallies.events + excluded.events, last_at = excluded.last_at
)
SELECT NULL

-- name: listed
-- A page of a partner's receipts after a place in time ($3, $4), oldest first. Index: receipts_listed.
SELECT id, event_id, type, reason, field, at FROM receipts
WHERE partner = $1 AND (at, id) > ($2::timestamptz, $3::uuid)
  AND ($4::boolean IS NULL OR (reason = '') = $4)
ORDER BY at, id LIMIT $5;

-- name: receipts_by_id
-- The receipts of one event id under each of a partner's sources. Index: receipts_pkey.
SELECT id, event_id, type, reason, field, at FROM receipts WHERE id = ANY($1::uuid[]);

-- name: counted
-- A partner's counts since a day, the largest first. Index: tallies_pkey.
SELECT type, verdict, reason, field, sum(events)::bigint AS events, max(last_at) AS last_at FROM tallies
WHERE partner = $1 AND day >= $2
GROUP BY type, verdict, reason, field ORDER BY events DESC, type, verdict, reason, field LIMIT 500;

-- name: overview
-- Each partner's counts since a day and when it was last heard. Index: tallies_pkey, once a partner.
SELECT name AS partner,
    (SELECT max(last_at) FROM tallies WHERE partner = name) AS last_heard,
    coalesce(sum(events) FILTER (WHERE verdict = 'accepted'), 0)::bigint AS accepted,
    coalesce(sum(events) FILTER (WHERE verdict = 'rejected'), 0)::bigint AS rejected,
    coalesce(sum(events) FILTER (WHERE verdict = 'duplicate'), 0)::bigint AS duplicate
FROM unnest($1::text[]) AS name LEFT JOIN tallies ON partner = name AND day >= $2
GROUP BY name;

-- name: use_key
-- Whose key this is, unless it is revoked; and that it was used. Index: partner_keys_digest_key.
UPDATE partner_keys SET last_used_at = $2 WHERE digest = $1 AND revoked_at IS NULL RETURNING partner, digest;

-- name: add_key
-- Keep a new key's digest.
INSERT INTO partner_keys (id, partner, digest, hint, issued_by, issued_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: revoke_key
-- End a partner's key; it stays in the list. Index: partner_keys_pkey.
UPDATE partner_keys SET revoked_at = $3 WHERE id = $1 AND partner = $2 AND revoked_at IS NULL RETURNING id;

-- name: keys_of
-- A partner's keys, the newest first. Index: partner_keys_partner.
SELECT id, partner, hint, issued_at, last_used_at, revoked_at FROM partner_keys
WHERE partner = $1 ORDER BY issued_at DESC;
