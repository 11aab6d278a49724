// Fees and holds in smallest units: exact, rounded once over an order's life.
//
// An order carries the fraction of a unit that it has paid too much, in ten-millionths: `carry`. A
// fill's exact fee is x = rate × notional; charged is ceil(x - carry). So what an order has paid is
// always the exact total rounded up, and never more than ceil(rate × notional) of any bound on its
// notional.

import * as instrumentForms from '../../protocol/instrument.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { FEE_SCALE } = instrumentForms

/** Whole units and ten-millionths of rate × notional - carry, rounded up: the fee to charge now. */
export function feeOf(notional: number, rate: number, carry: number): number {
  // Split, so that no product leaves the safe integers: rate < 10^7, rest < 10^7.
  const whole = wholeScales(notional)
  const rest = notional - whole * FEE_SCALE
  return whole * rate + Math.ceil((rest * rate - carry) / FEE_SCALE)
}

/** The fraction carried on after charging {@link feeOf}. 0 <= carry < 10^7. */
export function carryAfter(notional: number, rate: number, carry: number): number {
  const rest = notional - wholeScales(notional) * FEE_SCALE
  const exact = rest * rate - carry
  return Math.ceil(exact / FEE_SCALE) * FEE_SCALE - exact
}

/**
 * What a buy of this notional must hold: the notional and the highest fee that it can still cost.
 */
export function needOf(notional: number, holdRate: number, carry: number): number {
  return notional + feeOf(notional, holdRate, carry)
}

/** floor(notional / 10^7); the division alone may round up across a whole number. */
function wholeScales(notional: number): number {
  const whole = Math.floor(notional / FEE_SCALE)
  return whole * FEE_SCALE > notional ? whole - 1 : whole
}
