import { buildFolder } from './build-module.mjs'

const [folder, contract] = process.argv.slice(2)
if (folder === undefined) {
  console.error('Usage: npm run build-module <folder> [contract]')
  process.exitCode = 2
} else {
  try {
    for (const { name, output, byteLength } of await buildFolder({ folder, ...(contract && { contract }) }))
      console.log(`${name}: wrote ${output} (${(byteLength / 1024 / 1024).toFixed(2)} MiB)`)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
