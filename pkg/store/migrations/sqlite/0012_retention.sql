-- used_at is when a layer was last made, or looked up by a push or a node: one that
-- nothing has used for a day, and no release needs that is kept whole, is removed.
ALTER TABLE layers ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
UPDATE layers SET used_at = created_at;
-- What is kept is decided without reading what releases hold, which is much.
CREATE INDEX releases_kept ON releases (project_id, number, state, created_at, live_at, tree, layer);
