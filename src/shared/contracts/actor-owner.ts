/** What the control side and a thread that owns an actor's database for another engine say to each other (spec actors-sql 2, 12). */
export const actorOwnerContractId = 'actor-owner'
/** Operation of the thread: one call of the database, `{ method, args }`. */
export const ownerOperation = 'call'
/** Host call of a guest whose database is in another engine: function is the method, arguments are those and the operation. */
export const databaseCapability = 'actor-database'
