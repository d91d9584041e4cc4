-- A manifest is now the zstd-compressed delta from the empty one (package delta).
-- Trees in the form of before are sent again by the next push; their contents are
-- still there.
DELETE FROM trees;
CREATE INDEX trees_latest ON trees (project_id, created_at);
