export declare function digestOf(root: string, paths: string[]): Promise<string>

export declare function buildIfChanged(step: {
  stamp: string
  inputs: string
  output: string
  build: () => Promise<unknown>
}): Promise<boolean>
