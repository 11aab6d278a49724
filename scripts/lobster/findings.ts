// Counts what was checked and what was wrong, and keeps the first few wrongs as text.

const shownMax = 5

export class Findings {
  checked = 0
  wrong = 0
  readonly shown: string[] = []

  check(holds: boolean, describe: () => string): void {
    this.checked++
    if (holds) return
    this.wrong++
    if (this.shown.length < shownMax) this.shown.push(describe())
  }
}
