-- Whose record is withheld: that it was forgotten when its retention was over is written down of them. NULL: it left
-- before this was kept.
ALTER TABLE withheld ADD COLUMN entity uuid;
