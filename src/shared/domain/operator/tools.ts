import { z } from 'zod'

/** What all tools share (spec tools 3; issue 6). */
export const toolsSectionSchema = z.strictObject({
  /** Whether programs of this machine that have the token may call the operator's tools, over HTTP and MCP. */
  server: z.boolean().default(false),
  /** On the loopback address; 0 for any that is free. */
  port: z.number().int().min(0).max(65_535).default(7_415),
  /** Folder of which tools may read what they declare and were granted; null for none. */
  workspace: z.string().min(1).max(4_096).nullable().default(null),
})
export type ToolsSection = z.infer<typeof toolsSectionSchema>
