export declare function buildModule(options: {
  folder: string
  contract?: string
  output?: string
}): Promise<{ name: string; output: string; byteLength: number }>
