-- What happened. What the user wants stands in config.toml. Times are unix seconds, UTC.

-- The history of a feed. A row outlives its feed's removal from the configuration, so that adding it again repeats nothing.
CREATE TABLE feeds (
    id              INTEGER PRIMARY KEY,
    name            TEXT    NOT NULL,
    url             TEXT    NOT NULL,
    host            TEXT    NOT NULL,            -- whose pace it keeps; a file has a host of its own
    active          INTEGER NOT NULL DEFAULT 1,  -- in the configuration, and not paused
    removed_at      INTEGER,                     -- when it was first missed in the configuration
    title           TEXT,
    link            TEXT,
    language        TEXT,
    etag            BLOB,                        -- validators, byte for byte as they came …
    last_modified   BLOB,
    validators_url  TEXT,                        -- … and the URL they go back to …
    validators_for  TEXT,                        -- … as long as the same content codings are asked for …
    validators_as   INTEGER,                     -- … and as the same user: too short to try passwords on; NULL: as nobody
    document_hash   BLOB,                        -- an equal document is not parsed again
    interval        INTEGER,                     -- the interval that next_poll was reckoned with, where the user set one
    next_poll       INTEGER NOT NULL DEFAULT 0,
    not_before      INTEGER NOT NULL DEFAULT 0,  -- what the publisher named: a cache lifetime, a Retry-After
    asked           INTEGER NOT NULL DEFAULT 0,  -- it is a wish to be left alone: not even --force comes earlier
    because         TEXT,                        -- the rule that set next_poll
    last_attempt    INTEGER,
    last_success    INTEGER,
    failures        INTEGER NOT NULL DEFAULT 0,  -- in a row
    failing_since   INTEGER,
    error           TEXT,
    trouble         TEXT,                        -- what sort of failure that is
    told_at         INTEGER,                     -- when a notice said that it cannot be read; NULL: none did, or one said that it can again
    said            TEXT,                        -- what its program wrote to standard error the last time
    status          INTEGER,                     -- the last HTTP status
    bytes           INTEGER,                     -- the size of the last document, where the last answer was one
    unchanged       INTEGER NOT NULL DEFAULT 0,  -- the last answer was the document we have
    habits          TEXT,                        -- JSON: what the feed says of when to ask, and when its entries appeared
    moved_to        TEXT,                        -- where a permanent redirect led
    gone_at         INTEGER,                     -- when the publisher said 410
    polls           INTEGER NOT NULL DEFAULT 0,  -- counts up; a poll that began before another one ended is told so
    last_run        INTEGER,                     -- the run that asked last
    waits_at        TEXT,                        -- whose pace left no turn for it, since it was asked last
    entries         INTEGER NOT NULL DEFAULT 0,  -- how many are remembered
    newest          INTEGER                      -- the date of the newest entry that was not held; what is dated later is really new
);
CREATE INDEX feeds_due ON feeds (active, next_poll);

-- When a host was last asked, its pace, and until when it asked to be left alone.
CREATE TABLE hosts (
    host         TEXT    PRIMARY KEY,
    last_asked   INTEGER,
    pace         INTEGER,                        -- learned pause between requests, in milliseconds, for all hosts below it too …
    slowed_at    INTEGER,                        -- … when it last had too much …
    eased_at     INTEGER,                        -- … and when it last answered well after that: a time of those makes it shorter
    next_turn    INTEGER,                        -- by its pace no request begins before
    until        INTEGER,
    lease_worker INTEGER,
    lease_until  INTEGER
) WITHOUT ROWID;

-- What was seen, for ever. With its keys about 123 bytes each (measured by benches/memory.rs).
CREATE TABLE entries (
    id         INTEGER PRIMARY KEY,
    feed       INTEGER NOT NULL REFERENCES feeds (id),
    uid        BLOB    NOT NULL,                 -- 16 bytes; every Message-ID is made from it
    raw_hash   INTEGER NOT NULL,
    text_hash  INTEGER NOT NULL,                 -- of what a reader sees
    dated      INTEGER,
    first_seen INTEGER NOT NULL,
    learned    INTEGER NOT NULL DEFAULT 0        -- how many keys it gained since; bounded
);

-- 64-bit hashes of id, link and content, scoped to the feed.
CREATE TABLE keys (
    feed  INTEGER NOT NULL,
    key   INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (feed, key, entry)
) WITHOUT ROWID;

-- An entry's whole content, compressed, while a delivery of it is open and for a while after.
CREATE TABLE payloads (
    entry      INTEGER PRIMARY KEY REFERENCES entries (id),
    version    INTEGER NOT NULL,
    body       BLOB    NOT NULL,
    kept_until INTEGER                           -- NULL while a delivery is open
);
CREATE INDEX payloads_kept ON payloads (kept_until) WHERE kept_until IS NOT NULL;

-- What a reader saw of each revision of an entry, compressed, to show what changed; of feeds whose updates are threaded.
CREATE TABLE texts (
    entry      INTEGER NOT NULL REFERENCES entries (id),
    revision   INTEGER NOT NULL,
    body       BLOB    NOT NULL,
    kept_until INTEGER NOT NULL,
    PRIMARY KEY (entry, revision)
) WITHOUT ROWID;
CREATE INDEX texts_kept ON texts (kept_until);

-- What was fetched or made for an entry: the article of its page, its images and files, what a program made of it; failures
-- too, so that a retry fetches nothing again.
CREATE TABLE resources (
    entry      INTEGER NOT NULL REFERENCES entries (id),
    key        TEXT    NOT NULL,                 -- what it is, and its address: page:…, image:…, file:…, transform:…
    media_type TEXT,
    packed     INTEGER NOT NULL DEFAULT 0,       -- the body is compressed
    body       BLOB,
    error      TEXT,
    fetched_at INTEGER NOT NULL,
    PRIMARY KEY (entry, key)
);

-- Sealed digests and issues: their members are the deliveries that name them.
CREATE TABLE digests (
    id         INTEGER PRIMARY KEY,
    sink       TEXT    NOT NULL,
    part       INTEGER NOT NULL,
    message_id TEXT    NOT NULL,
    sealed_at  INTEGER NOT NULL
);

-- One entry for one sink.
CREATE TABLE deliveries (
    id            INTEGER PRIMARY KEY,           -- within a feed in the order of delivery: oldest first
    entry         INTEGER NOT NULL REFERENCES entries (id),
    feed          INTEGER NOT NULL REFERENCES feeds (id),
    sink          TEXT    NOT NULL,
    revision      INTEGER NOT NULL DEFAULT 0,
    message_id    TEXT    NOT NULL,
    small         TEXT,                          -- why only a short form of it goes; NULL: the whole …
    light         TEXT,                          -- … why it goes without files and images of its own; NULL: with them
    story         INTEGER,                       -- the link's key, where one story goes to a sink once whichever feed has it
    update_as     TEXT,                          -- a changed entry: how the new version arrives; NULL: as a mail like any other
    state         TEXT    NOT NULL CHECK (state IN ('pending', 'held', 'delivered', 'failed', 'dropped')),
    attempts      INTEGER NOT NULL DEFAULT 0,    -- how often it was handed over
    failures      INTEGER NOT NULL DEFAULT 0,    -- how often it failed by itself, not by its sink's own trouble
    crashes       INTEGER NOT NULL DEFAULT 0,    -- how many claims in a row ended with the process, without an outcome
    queued_at     INTEGER NOT NULL,
    next_attempt  INTEGER NOT NULL,
    asked         INTEGER NOT NULL DEFAULT 0,    -- next_attempt is the sink's own wish
    first_failure INTEGER,
    last_run      INTEGER,                       -- the run that tried last
    lease_worker  INTEGER,
    lease_until   INTEGER,
    digest        INTEGER REFERENCES digests (id),
    error         TEXT,
    receipt       TEXT,
    ended_at      INTEGER,
    UNIQUE (entry, sink, revision)
);
CREATE INDEX deliveries_pending ON deliveries (sink, id) WHERE state = 'pending';
CREATE INDEX deliveries_open ON deliveries (state) WHERE state IN ('pending', 'held', 'failed');
CREATE INDEX deliveries_held ON deliveries (feed) WHERE state = 'held';
CREATE INDEX deliveries_story ON deliveries (sink, story) WHERE story IS NOT NULL;
CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE ended_at IS NOT NULL;

-- Which feeds carried a story, for feeds that share one delivery of it per sink; for 30 days.
CREATE TABLE stories (
    sink  TEXT    NOT NULL,
    link  INTEGER NOT NULL,                      -- the key of the story's link
    feed  INTEGER NOT NULL,
    entry INTEGER NOT NULL,                      -- the entry that is delivered for all of them
    at    INTEGER NOT NULL,
    PRIMARY KEY (sink, link, feed)
) WITHOUT ROWID;
CREATE INDEX stories_entry ON stories (entry);
CREATE INDEX stories_at ON stories (at);

-- A sink's own trouble, while it lasts.
CREATE TABLE sinks (
    name       TEXT    PRIMARY KEY,
    rest_until INTEGER NOT NULL,
    asked      INTEGER NOT NULL,                 -- the sink named this time
    failures   INTEGER NOT NULL,
    since      INTEGER NOT NULL,
    error      TEXT    NOT NULL
) WITHOUT ROWID;

CREATE TABLE runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    polled     INTEGER NOT NULL DEFAULT 0,
    failed     INTEGER NOT NULL DEFAULT 0,       -- feeds
    entries    INTEGER NOT NULL DEFAULT 0,       -- new ones
    delivered  INTEGER NOT NULL DEFAULT 0,
    retried    INTEGER NOT NULL DEFAULT 0,
    rejected   INTEGER NOT NULL DEFAULT 0
);
