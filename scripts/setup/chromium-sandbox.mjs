import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { capture } from './run.mjs'

const setuidRoot = 0o4755

/** The switches without which Chromium does not start here: none, except as root or where it has no way to a sandbox. */
export async function sandboxSwitches(electronFolder) {
  if (process.platform !== 'linux') return []
  if (process.getuid() === 0) return ['--no-sandbox']
  const helper = await stat(join(electronFolder, 'chrome-sandbox')).catch(() => undefined)
  if (helper?.uid === 0 && (helper.mode & 0o7777) === setuidRoot) return []
  return (await hasUserNamespaces()) ? [] : ['--no-sandbox']
}

async function hasUserNamespaces() {
  const restricted = await readFile('/proc/sys/kernel/apparmor_restrict_unprivileged_userns', 'utf8').catch(
    () => '0',
  )
  if (restricted.trim() === '1') return false
  return (await capture('unshare', ['--user', 'true'])).code === 0
}
