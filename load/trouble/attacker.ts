// One account that sends far more than it may, as a process of its own: `node attacker.ts`, told
// over IPC what to send and when. It is made to cost little, as it shares the machine with what it
// attacks: bytes that are ready, and of an answer only the status.

import { connect, type Socket } from 'node:net'
import { NUMBER, type Order, type Tally } from './attacker-words.ts'

const TICK_MS = 2

let bytes: Buffer = Buffer.alloc(0)
let [port, numberAt, number] = [0, 0, 0]
const idle: Socket[] = []
let [startMs, rate, due, heldBack, cutOff] = [0, 0, 0, 0, 0]
let statuses: Record<string, number> = {}
let timer: NodeJS.Timeout | undefined

process.on('message', (order: Order) => {
  if (order.do === 'aim') {
    port = order.port
    bytes = Buffer.from(order.request)
    numberAt = bytes.indexOf(NUMBER)
    for (let n = 0; n < order.size; n += 1) open()
  } else if (order.do === 'attack') {
    ;[startMs, rate, due, heldBack, cutOff, statuses] = [performance.now(), order.rate, 0, 0, 0, {}]
    timer = setInterval(sendDue, TICK_MS)
  } else {
    clearInterval(timer)
    const tally: Tally = { due, heldBack, statuses, cutOff }
    process.send?.(tally)
  }
})
process.on('disconnect', () => process.exit())

function sendDue(): void {
  const until = Math.floor(((performance.now() - startMs) * rate) / 1_000)
  for (; due < until; due += 1) {
    const socket = idle.pop()
    if (socket === undefined) heldBack += 1
    else socket.write(numbered())
  }
}

function numbered(): Buffer {
  number += 1
  const each = Buffer.from(bytes)
  each.write(String(number).padStart(NUMBER.length, '0'), numberAt)
  return each
}

function open(): void {
  const socket = connect(port, '127.0.0.1')
  let isOpen = false
  let rest = 0
  socket.on('connect', () => {
    isOpen = true
    idle.push(socket)
  })
  socket.on('data', (data: Buffer) => {
    // An answer comes in one piece, but for what the system cuts.
    if (rest > 0) {
      rest -= data.length
      if (rest <= 0) idle.push(socket)
      return
    }
    const text = data.toString('latin1')
    const status = text.slice(9, 12)
    statuses[status] = (statuses[status] ?? 0) + 1
    const head = text.indexOf('\r\n\r\n') + 4
    const length = Number(/content-length: ([0-9]+)/i.exec(text.slice(0, head))?.[1])
    rest = head + length - data.length
    if (rest <= 0) idle.push(socket)
  })
  // It was refused, or cut off: as any attacker, it comes again.
  socket.on('error', () => {})
  socket.on('close', () => {
    if (isOpen) cutOff += 1
    const at = idle.indexOf(socket)
    if (at >= 0) idle.splice(at, 1)
    setTimeout(open, 20)
  })
}
