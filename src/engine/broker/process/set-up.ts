/** Makes what the calls of this broker share. */
import type { BrokerSetup } from '../../../shared/tool-broker/protocol.ts'
import { systemClock } from '../../clock.ts'
import { Egress } from '../../egress/egress.ts'
import { systemResolver } from '../../egress/resolver.ts'
import { RateWindows } from '../egress/rate-windows.ts'
import { createScanPool } from '../scan/scan-pool.ts'
import { damagedNotice } from '../secrets/secrets-file.ts'
import { openVault } from '../secrets/vault.ts'
import { readWorkspaceFile } from '../workspace/workspace-reader.ts'
import type { PaddockError } from '../../../shared/errors.ts'
import type { BrokerParts } from './call-session.ts'

interface BrokerStart {
  readonly parts: BrokerParts
  /** What the operator should know although it runs. */
  readonly notice: PaddockError | null
}

/** Throws `secret.*`. The key in `setup` is overwritten. */
export async function setUpBroker(setup: BrokerSetup): Promise<BrokerStart> {
  const { secretsFile, dataKey, workspaceRoot, scanEntry, nameServers, trustedCertificates } = setup
  try {
    const parts: BrokerParts = {
      vault: await openVault({ file: secretsFile, dataKey, now: () => systemClock.now() }),
      scans: createScanPool({ entry: scanEntry }),
      egress: new Egress({
        ...(nameServers === undefined ? {} : { resolve: systemResolver({ servers: nameServers }) }),
        ...(trustedCertificates === undefined ? {} : { trust: { ca: trustedCertificates } }),
      }),
      rates: new RateWindows(systemClock),
      readWorkspace: readWorkspaceFile,
      workspaceRoot,
      clock: systemClock,
    }
    return { parts, notice: await damagedNotice(secretsFile) }
  } finally {
    dataKey.fill(0)
  }
}
