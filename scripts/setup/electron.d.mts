export interface ProvidedElectron {
  readonly executable: string
  readonly folder: string
  readonly version: string | undefined
}
/** Provides an Electron that runs on this machine; rejects where none can be had. */
export function electron(): Promise<ProvidedElectron>
