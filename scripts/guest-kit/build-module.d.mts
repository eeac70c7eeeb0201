export interface BuiltComponent {
  name: string
  output: string
  byteLength: number
}

export declare function buildModule(options: {
  folder: string
  contract?: string
  output?: string
}): Promise<BuiltComponent>

export declare function buildFolder(options: { folder: string; contract?: string }): Promise<BuiltComponent[]>
