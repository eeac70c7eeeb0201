/** The rules of the orders that the console's double decides over. */
export interface Order {
  readonly placed: boolean
  readonly of: number
  readonly filled: number
  readonly floor: string | null
  readonly cancelled: boolean
}

export const initialOrder: Order = { placed: false, of: 0, filled: 0, floor: null, cancelled: false }

interface Payload {
  readonly of?: number
  readonly part?: number
  readonly price?: string
  readonly floor?: string
}

export class OrderRejection extends Error {
  readonly code: string
  readonly details: [string, string][]

  constructor(code: string, message: string, details: Readonly<Record<string, string>> = {}) {
    super(message)
    this.code = code
    this.details = Object.entries(details)
  }
}

/** The events that a command leads to. Throws `OrderRejection`. */
export function decideOrder(
  order: Order,
  type: string,
  payload: object,
): { readonly type: string; readonly data: unknown }[] {
  const { of = 12, part = order.filled + 1, price = '0', floor = '0' } = payload as Payload
  if (type === 'shop.orders.PlaceOrder') {
    if (order.placed) throw new OrderRejection('already_placed', 'The order was placed already.')
    return [{ type: 'shop.orders.OrderPlaced', data: { of, floor: null } }]
  }
  if (!order.placed) throw new OrderRejection('not_placed', 'There is no such order.')
  if (order.cancelled) throw new OrderRejection('cancelled', 'The order was cancelled.')
  switch (type) {
    case 'shop.orders.SetPriceFloor':
      return [{ type: 'shop.orders.PriceFloorRaised', data: { floor } }]
    case 'shop.orders.Cancel':
      return [{ type: 'shop.orders.Cancelled', data: {} }]
    default:
      if (order.floor !== null && Number(price) < Number(order.floor)) {
        throw new OrderRejection('price_below_floor', `${price} is under the floor of ${order.floor}.`, {
          floor: order.floor,
          offered: price,
        })
      }
      return [
        { type: 'shop.orders.PartFilled', data: { part, of: order.of, price } },
        { type: 'shop.orders.PartScheduled', data: { part: part + 1, at: '2026-07-14T10:41:00Z' } },
      ]
  }
}

/** The order after an event. */
export function applyOrder(order: Order, type: string, text: string): Order {
  const data = JSON.parse(text) as { readonly of?: number; readonly part?: number; readonly floor?: string }
  switch (type) {
    case 'shop.orders.OrderPlaced':
      return { ...order, placed: true, of: data.of ?? 0 }
    case 'shop.orders.PartFilled':
      return { ...order, filled: data.part ?? order.filled }
    case 'shop.orders.PriceFloorRaised':
      return { ...order, floor: data.floor ?? null }
    case 'shop.orders.Cancelled':
      return { ...order, cancelled: true }
    default:
      return order
  }
}
