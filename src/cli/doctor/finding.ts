// What a check of the surroundings comes to.

export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail'
  readonly name: string
  /** What was found. */
  readonly said: string
  /** What to do, where something is to be done. */
  readonly todo?: string
}

export const ok = (name: string, said: string): Finding => ({ level: 'ok', name, said })
export const warn = (name: string, said: string, todo: string): Finding => ({
  ...{ level: 'warn', name, said, todo },
})
export const fail = (name: string, said: string, todo: string): Finding => ({
  ...{ level: 'fail', name, said, todo },
})
