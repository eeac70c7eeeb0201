/** Label values that are bounded whatever a guest or a node says (spec nexum-host 14.2). */
import { deniedMethod } from './metrics-port.ts'

/** JSON-RPC methods with a series of their own; granted extras are added, everything else is `<denied>`. */
const knownMethods: ReadonlySet<string> = new Set([
  'eth_accounts',
  'eth_blockNumber',
  'eth_call',
  'eth_chainId',
  'eth_estimateGas',
  'eth_feeHistory',
  'eth_gasPrice',
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
  'eth_maxPriorityFeePerGas',
  'eth_requestAccounts',
  'eth_sendRawTransaction',
  'eth_sendTransaction',
  'eth_signTypedData_v4',
  'eth_subscribe',
  'eth_unsubscribe',
  'net_version',
  'personal_sign',
])

const schemes: ReadonlySet<string> = new Set(['sha256', 'oci', 'bzz', 'ipfs', 'https', 'file'])

/** What the operator configured, which bounds what a label may say. */
export interface LabelBounds {
  isConfigured(chainId: string): boolean
  isExtraMethod(method: string): boolean
}

export function chainLabel(chainId: string, bounds: LabelBounds): string {
  return bounds.isConfigured(chainId) ? chainId : 'unconfigured'
}

export function methodLabel(method: string, bounds: LabelBounds): string {
  return knownMethods.has(method) || bounds.isExtraMethod(method) ? method : deniedMethod
}

export function schemeLabel(scheme: string): string {
  return schemes.has(scheme) ? scheme : 'other'
}
