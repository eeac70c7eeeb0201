/** What becomes of a method, in the order of spec nexum-host 8.6: signing, reads, everything else. */
export type MethodVerdict = 'accounts' | 'signing' | 'read' | 'denied'

const accountMethods = new Set(['eth_accounts', 'eth_requestAccounts'])
const signingMethods = new Set(['eth_sendTransaction', 'personal_sign', 'eth_signTypedData_v4'])

const readMethods = new Set([
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
export function judgeMethod(method: string): MethodVerdict {
  if (accountMethods.has(method)) return 'accounts'
  if (signingMethods.has(method)) return 'signing'
  return readMethods.has(method) ? 'read' : 'denied'
}
