-- live_at is when a release last became live; 0 when it never was. What was live
-- once can be brought back.
ALTER TABLE releases ADD COLUMN live_at BIGINT NOT NULL DEFAULT 0;
UPDATE releases SET live_at = created_at WHERE state IN ('live', 'superseded');
