// The public face of `onefill/client`: a running exchange, from somebody else's process; over NATS,
// and what HTTP needs.

export { AdminClient } from './client/admin-client.ts'
export type { Book } from './client/book-feed.ts'
export type {
  AdminCommand,
  Cancel,
  Instrument,
  KillSwitch,
  Limits,
  MassCancel,
  NewOrder,
  OrderCommand,
  Payment,
  Replace,
  Reply,
} from './client/commands.ts'
export type { AskOptions, Subscription } from './client/link.ts'
export { type ConnectOptions, MarketClient, type Status } from './client/market-client.ts'
export { OnefillClient, type ReportOptions, type TraderOptions } from './client/onefill-client.ts'
export { ClientProblem, type ClientProblemCode, Unanswered } from './client/problem.ts'
export type { GoneReports } from './client/report-stream.ts'
export type { BalancesAnswer, BookLevel, OpenOrder, OrdersAnswer } from './engine/answers.ts'
export type { NumberedReport } from './gateway/history.ts'
export { type RequestToSign, type Signer, signRequest } from './gateway/http/auth/sign.ts'
export type { TradeMessage } from './gateway/trade-message.ts'
export type { CodeName } from './protocol/codes.ts'
export type { Report } from './protocol/report-json.ts'
