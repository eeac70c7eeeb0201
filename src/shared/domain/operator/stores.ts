import { z } from 'zod'

const path = z.string().min(1).max(4_096)
// Credentials stand in files: an address may be shown.
const server = /^(nats|tls):\/\/(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/

export const natsServersSchema = z
  .string()
  .min(1)
  .max(2_048)
  .refine(
    (text) => text.split(',').every((part) => server.test(part.trim())),
    'nats://host:port without credentials, further servers of the cluster behind commas',
  )

/** Where the streams of deciders are kept (spec decider 11, 12). */
export const eventStoreSectionSchema = z
  .strictObject({
    /** A file for each decider on this machine, or a NATS server with JetStream. */
    kind: z.enum(['sqlite', 'nats']).default('sqlite'),
    url: natsServersSchema.nullable().default(null),
    /** User credentials (`.creds`) for the server. */
    credentialsFile: path.nullable().default(null),
    nkeySeedFile: path.nullable().default(null),
    /** Authority that signed the server's certificate; null: the system's. */
    caFile: path.nullable().default(null),
    /** Copies of every stream in a cluster. */
    replicas: z.union([z.literal(1), z.literal(3), z.literal(5)]).default(1),
  })
  .refine((section) => section.kind === 'sqlite' || section.url !== null, {
    path: ['url'],
    error: 'the address of the NATS server is needed',
  })
export type EventStoreSection = z.infer<typeof eventStoreSectionSchema>

export const storesSectionSchema = z.strictObject({ event: eventStoreSectionSchema.prefault({}) })
