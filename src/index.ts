// What `import … from 'onefill'` gives.

export {
  type Answer,
  type BalancesAnswer,
  type BookAnswer,
  type BookLevel,
  createExchange,
  type Exchange,
  type ExchangeOptions,
  type OpenOrder,
  type OrdersAnswer,
  type Posting,
  type QueryAnswer,
  type Report,
  restoreExchange,
} from './exchange.ts'
export { CODE_NAMES, type CodeName } from './protocol/codes.ts'
