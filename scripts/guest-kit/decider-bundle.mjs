import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('./guest-decider/', import.meta.url))

/** What `paddock:decider` stands for. */
export const deciderLibrary = `${folder}index.ts`
export const deciderTsconfig = `${folder}tsconfig.json`

/** The module around a decider: first nothing impure is left, then its one export is handed on. */
export function deciderEntry(source) {
  return [
    `import { removeImpureGlobals } from ${JSON.stringify(`${folder}prelude.ts`)}`,
    'removeImpureGlobals()',
    `export { handler } from ${JSON.stringify(source)}`,
  ].join('\n')
}
