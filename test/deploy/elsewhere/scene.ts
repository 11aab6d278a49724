// Two accounts with money and shares, and an order of one of them.

const payment = { account: 'alice', amount: '1000', transferId: 'd-1' }

export const SCENE = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'X', decimals: 0 },
  { cmd: 'instrument', symbol: 'XUSD', base: 'X', quote: 'USD', tickSize: '0.01', lotSize: '1' },
  { cmd: 'account', account: 'alice' },
  { cmd: 'deposit', ...payment, asset: 'USD' },
  { cmd: 'account', account: 'bob' },
  { cmd: 'deposit', ...payment, account: 'bob', asset: 'X' },
] as const

export const sell = {
  symbol: 'XUSD',
  side: 'sell',
  ordType: 'limit',
  price: '1.5',
  orderQty: '3',
} as const
