-- Rows from before are hashes of (ce_source, ce_id) alone, and go when the bus has forgotten their messages.
COMMENT ON COLUMN inbox.id IS
    'when the event was accepted (48 bits, in milliseconds), then a hash of (ce_source, ce_id): shared/ids.py';
