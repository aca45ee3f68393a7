-- After so many milliseconds without a word of the node all its tasks are over: its supervisors see to it.
-- NULL: they go on for as long as they like.
ALTER TABLE node ADD COLUMN lost_after_ms bigint;
