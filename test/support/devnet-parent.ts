// Started by devnet.test.ts and killed with SIGKILL: its devnet must end with it.
import { Devnet } from '../../src/engine/devnet/devnet.ts'

const devnet = new Devnet({ resolveFrom: process.cwd() })
const view = await devnet.start()
process.stdout.write(`${view.pid ?? ''}\n`)
if (process.argv.includes('--exit')) process.exit(0)
setInterval(() => undefined, 60_000)
