/** Which WASI interfaces the sandbox provides, virtually and without any rights (spec nexum-host 1.2, 2.2). */
import { parseInterfaceName, sameTrack } from '../../shared/component/names.ts'

const packages: Readonly<Record<string, readonly string[]>> = {
  cli: [
    'environment', 'exit', 'stdin', 'stdout', 'stderr', 'terminal-input', 'terminal-output', 'terminal-stdin',
    'terminal-stdout', 'terminal-stderr',
  ],
  clocks: ['monotonic-clock', 'wall-clock', 'timezone'],
  filesystem: ['types', 'preopens'],
  http: ['types', 'outgoing-handler'],
  io: ['error', 'poll', 'streams'],
  random: ['random', 'insecure', 'insecure-seed'],
  sockets: [
    'instance-network', 'ip-name-lookup', 'network', 'tcp', 'tcp-create-socket', 'udp', 'udp-create-socket',
  ],
} // prettier-ignore

/** Whether `name` is of WASI at all, provided or not. */
export function isWasi(name: string): boolean {
  return name.startsWith('wasi:')
}

/** Whether the sandbox provides the WASI interface of this name, at a version compatible with 0.2.0. */
export function providesWasi(name: string): boolean {
  const parsed = parseInterfaceName(name)
  if (parsed?.namespace !== 'wasi' || !Object.hasOwn(packages, parsed.package)) return false
  return (packages[parsed.package] ?? []).includes(parsed.interface) && sameTrack(parsed.version, '0.2.0')
}
