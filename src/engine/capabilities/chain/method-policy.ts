/** What becomes of a method, in the order of spec nexum-host 8.6: signing, reads, granted extras, everything else. */
export type MethodVerdict = 'accounts' | 'signing' | 'read' | 'extra' | 'denied'

/** What the policy depends on beside the method. */
export interface MethodGrants {
  /** What the operator lets signing methods of the chain do; `delegate` where the chain is unknown. */
  readonly signingMethods: 'delegate' | 'deny'
  /** Methods that the module asked for and the operator lists for the chain. */
  readonly extras: ReadonlySet<string>
}

export const accountMethods: ReadonlySet<string> = new Set(['eth_accounts', 'eth_requestAccounts'])
export const signingMethods: ReadonlySet<string> = new Set([
  'eth_sendTransaction',
  'personal_sign',
  'eth_signTypedData_v4',
])

export const readMethods: ReadonlySet<string> = new Set([
  'eth_blockNumber',
  'eth_call',
  'eth_chainId',
  'eth_estimateGas',
  'eth_feeHistory',
  'eth_gasPrice',
  'eth_maxPriorityFeePerGas',
  'eth_getBalance',
  'eth_getBlockByHash',
  'eth_getBlockByNumber',
  'eth_getBlockReceipts',
  'eth_getCode',
  'eth_getLogs',
  'eth_getProof',
  'eth_getStorageAt',
  'eth_getTransactionByHash',
  'eth_getTransactionCount',
  'eth_getTransactionReceipt',
  'net_version',
])

/** Judges a method by its exact name. */
export function judgeMethod(method: string, grants: MethodGrants): MethodVerdict {
  if (accountMethods.has(method)) return 'accounts'
  if (signingMethods.has(method)) return grants.signingMethods === 'deny' ? 'denied' : 'signing'
  if (readMethods.has(method)) return 'read'
  return grants.extras.has(method) ? 'extra' : 'denied'
}

/** Methods that no operator can lend out: they would change what the connection is for everyone. */
const neverExtra = new Set(['eth_subscribe', 'eth_unsubscribe'])

/** Extra methods that manifest, chain and, where it names any, the module's grants agree on (spec nexum-host 3, 8.6). */
export function grantedExtras(
  asked: readonly string[],
  offered: readonly string[],
  granted: readonly string[] | null,
): ReadonlySet<string> {
  const isGranted = (method: string): boolean => granted === null || granted.includes(method)
  return new Set(
    asked.filter((method) => offered.includes(method) && isGranted(method) && !neverExtra.has(method)),
  )
}
