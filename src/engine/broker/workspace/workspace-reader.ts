/** Reads of files that a tool may see (spec tools 3, `workspace-read`). */

export interface WorkspaceOptions {
  /** The folder that holds everything tools may ever read. */
  readonly root: string
  /** `dir/` or an exact file, as the tool declares and the operator granted. */
  readonly read: readonly string[]
  readonly maxFileBytes: number
}
