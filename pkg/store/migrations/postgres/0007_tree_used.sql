-- used_at is when a tree was last given, named by a push, or the base of another: one
-- that nothing has used for a day, and no release has, is removed.
ALTER TABLE trees ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
UPDATE trees SET used_at = created_at;
