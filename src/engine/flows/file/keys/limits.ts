/** Bounds of the numbers in a flow file. */

/** Elements of one queue: its ring is allocated at once (spec flows 6.1). */
export const maxQueueDepth = 1_048_576
export const maxFuel = Number.MAX_SAFE_INTEGER
/** One page of linear memory, and all that 32 bits reach. */
export const minLinearBytes = 65_536
export const maxLinearBytes = 4_294_967_296
/** The smallest tier of buffers (spec flows 8.3). */
export const minBufferBytes = 256
/** The longest time a timer takes. */
export const maxMilliseconds = 2_147_483_647
/** Nodes and edges of one flow. */
export const maxNodes = 256
export const maxEdges = 4_096
/** Size of one element (spec flows 8.2). */
export const maxElementBytes = 16_777_216
