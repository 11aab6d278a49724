// Every bound of the gateway, and what happens when it is reached.

/** Bytes of one frame, either way; NATS servers of ours take no longer one. Longer: MALFORMED. */
export const FRAME_BYTES_MAX = 512 * 1024

/** Commands in one frame. More: MALFORMED, and none of them is taken in. */
export const BATCH_COMMANDS_MAX = 1_000

/** Maps and arrays inside each other, a batch's own array included. Deeper: MALFORMED. */
export const FRAME_DEPTH_MAX = 4

/** Entries of a map, or of an array that is no batch. More: MALFORMED. */
export const FRAME_ENTRIES_MAX = 32

/** Bytes of a string, as they stand in the frame. Longer: MALFORMED. */
export const FRAME_STRING_BYTES_MAX = 256

/** Bytes of a field's name. Longer: MALFORMED. */
export const FRAME_KEY_BYTES_MAX = 64

/**
 * Reports kept for being sent again, over all accounts, and an estimate of their bytes. One more:
 * the oldest of all goes, and who asks for it is told where history begins.
 */
export const HISTORY_REPORTS_MAX = 500_000
export const HISTORY_BYTES_MAX = 256 * 1024 * 1024

/** Of these, the newest that a stop in order keeps for the next start; the write holds it up. */
export const SAID_REPORTS_MAX = 50_000
export const SAID_BYTES_MAX = 16 * 1024 * 1024

/** Reports in one answer to a request for a gap; the asker goes on from there. */
export const RESEND_REPORTS_MAX = 500

/** Levels a side in market data; what is behind them is not published. */
export const DEPTH_LEVELS_MAX = 50

/**
 * Reports in one message of an account's stream, and trades in one of a symbol's: no longer, as
 * JSON, than a frame may be. More go out in several messages.
 */
export const EXEC_REPORTS_MAX = 500
export const TRADES_MAX = 1_000

/**
 * Milliseconds that answers to questions over NATS may take in a second of the thread that orders
 * go through, all of them, and one account's: by their lines, 2 µs each. More: OVERLOADED.
 */
export const QUESTIONS_MS_PER_S = 200
export const QUESTIONS_OF_ACCOUNT_MS_PER_S = 50
/** And those to snapshots, which are nobody's. */
export const QUESTIONS_OF_BOOKS_MS_PER_S = 100

/** Questions over NATS that wait for their answer, the journal being slow. More: OVERLOADED. */
export const QUESTIONS_WAITING_MAX = 10_000

/** Open orders, or balances and positions, in one answer; the asker goes on behind the last one. */
export const ANSWERED_MAX = 1_000

/**
 * Bytes of answers and market data that the server has not taken yet. More are dropped: whoever
 * misses one asks again.
 */
export const LOOSE_BYTES_MAX = 32 * 1024 * 1024

/** Subjects that are remembered taken apart. One more: all are forgotten. */
export const SUBJECTS_MAX = 100_000

/** Trades kept for being asked for over HTTP: of a symbol, and over all symbols. */
export const TRADES_KEPT_MAX = 1_000
export const TRADES_KEPT_ALL_MAX = 100_000

/**
 * Connections over HTTP that the system has made and that are not taken yet; the system's own
 * bound (Linux: `somaxconn`, 4,096) holds too. One more: let in when it knocks again, which
 * systems do after 1 s. Node's default is 511; more come at once when all streams reconnect.
 */
export const CONNECTIONS_WAITING_MAX = 4_096

// --- streams over WebSockets (http/stream/) -----------------------------------------------------

/** Streams that are open, of all accounts. One more: OVERLOADED, 503. */
export const STREAMS_MAX = 20_000

/** Streams of one account. One more: TOO_MANY_STREAMS, 429. */
export const STREAMS_OF_ACCOUNT_MAX = 32

/** Feeds that a stream subscribes to. One more: LIMIT_REACHED. */
export const SUBSCRIPTIONS_MAX = 256

/** Bytes of a message from a client. Longer: MALFORMED. */
export const STREAM_MESSAGE_BYTES_MAX = 4_096

/** Bytes of a message from a client that are read at all. Longer: the stream is closed, 1009. */
export const STREAM_READ_BYTES_MAX = 64 * 1024

/**
 * Messages and pings from a client: so many at once, and so many a second from then on. More:
 * RATE_LIMITED each, and after as many refusals as it may send at once the stream is closed.
 */
export const STREAM_MESSAGES_AT_ONCE = 300
export const STREAM_MESSAGES_PER_S = 50

/**
 * Bytes that are written to a stream and that its peer has not taken, by stream; a message more may
 * be on top. Beyond it a market feed loses messages, and begins anew once there is room; reports
 * wait in the history.
 */
export const STREAM_BUFFER_BYTES_MAX = 256 * 1024

/** The same over all streams. Beyond it only those have room that have taken all they were sent. */
export const STREAM_BUFFERS_BYTES_MAX = 64 * 1024 * 1024

/** Without room for so long, a stream is closed as SLOW_READER, in ms. */
export const STREAM_STUCK_MS = 10_000

/** From one ping to the next, in ms; a peer that has not answered by then is gone. */
export const STREAM_HEARTBEAT_MS = 15_000
