import { installOrName } from './debian.mjs'
import { say } from './progress.mjs'
import { capture } from './run.mjs'

/**
 * The event server that some integration tests talk to. They are skipped where it cannot be had, so that is said and
 * nothing fails.
 */
export async function natsServer() {
  for (const command of ['nats-server', '/usr/sbin/nats-server', '/usr/local/bin/nats-server']) {
    if ((await capture('sh', ['-c', `command -v ${command}`])).code === 0) return
  }
  try {
    await installOrName('To test event streams on NATS', ['nats-server'])
  } catch (error) {
    say(`The tests of event streams on NATS will be skipped. ${error.message}`)
  }
}
