/** An order of the CoW Protocol as it is signed (EIP-712). */
export interface Order {
  sellToken: string
  buyToken: string
  receiver: string
  sellAmount: string
  buyAmount: string
  feeAmount: string
  validTo: number
  kind: 'sell' | 'buy'
  partiallyFillable: boolean
  sellTokenBalance: 'erc20'
  buyTokenBalance: 'erc20'
}

/** The document `{}` with its keccak-256 digest. */
export const emptyAppData = {
  appData: '{}',
  appDataHash: '0xb48d38f93eaa084033fc5970bf96e559c33c4cdc07d889ab00b4d63f9590739d',
}

/** The settlement contract, the same on every chain. */
const settlement = '0x9008D19f58AAbD9eD0D60971565AA8510560ab41'

const orderType = [
  { name: 'sellToken', type: 'address' },
  { name: 'buyToken', type: 'address' },
  { name: 'receiver', type: 'address' },
  { name: 'sellAmount', type: 'uint256' },
  { name: 'buyAmount', type: 'uint256' },
  { name: 'validTo', type: 'uint32' },
  { name: 'appData', type: 'bytes32' },
  { name: 'feeAmount', type: 'uint256' },
  { name: 'kind', type: 'string' },
  { name: 'partiallyFillable', type: 'bool' },
  { name: 'sellTokenBalance', type: 'string' },
  { name: 'buyTokenBalance', type: 'string' },
]

/** The document that is signed, as JSON text. */
export function typedData(chainId: number, order: Order): string {
  return JSON.stringify({
    types: { Order: orderType },
    primaryType: 'Order',
    domain: { name: 'Gnosis Protocol', version: 'v2', chainId, verifyingContract: settlement },
    message: { ...order, appData: emptyAppData.appDataHash },
  })
}
