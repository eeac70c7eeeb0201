export interface BuiltModule {
  name: string
  output: string
  built: boolean
}

export declare function buildModules(options?: {
  root?: string
  log?: (line: string) => void
}): Promise<BuiltModule[]>
