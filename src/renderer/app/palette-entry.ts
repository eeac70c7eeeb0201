import type { IconName } from '../components/icons.ts'

/** One line of the palette. */
export interface PaletteEntry {
  readonly id: string
  readonly group: 'Screens' | 'Modules' | 'Flows' | 'Tools' | 'Chains' | 'Actions'
  readonly label: string
  readonly hint: string
  readonly icon: IconName
  readonly run: () => void
}
