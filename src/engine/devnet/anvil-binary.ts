import { access, constants } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PaddockError } from '../../shared/errors.ts'

const platforms: Readonly<Record<string, string>> = {
  'linux x64': 'linux-amd64',
  'linux arm64': 'linux-arm64',
  'darwin x64': 'darwin-amd64',
  'darwin arm64': 'darwin-arm64',
  'win32 x64': 'win32-amd64',
}

/**
 * Path of the anvil that npm installed for this platform, looked up from `directory` upwards.
 * Rejects with PaddockError `devnet.unavailable`.
 */
export async function findAnvil(directory: string): Promise<string> {
  const platform = platforms[`${process.platform} ${process.arch}`]
  if (platform === undefined) {
    const remedy = 'Add an endpoint of your own on the Chains page.'
    throw new PaddockError('devnet.unavailable', 'There is no local devnet for this kind of machine.', {
      remedy,
    })
  }
  try {
    // Through the package that depends on it: npm need not put the binary's package beside ours.
    const outer = createRequire(join(directory, 'package.json')).resolve('@foundry-rs/anvil/package.json')
    const inner = createRequire(outer).resolve(`@foundry-rs/anvil-${platform}/package.json`)
    const binary = join(dirname(inner), 'bin', process.platform === 'win32' ? 'anvil.exe' : 'anvil')
    await access(binary, constants.X_OK)
    return binary
  } catch (cause) {
    throw new PaddockError('devnet.unavailable', 'The program of the local devnet is not installed.', {
      cause,
    })
  }
}
