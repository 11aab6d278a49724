// By handle, the shard that an actor lives in: one byte each, growing.

export class HomeTable {
  private homes = new Uint8Array(64)

  get(handle: number): number {
    return this.homes[handle]
  }

  set(handle: number, shard: number): void {
    if (handle >= this.homes.length) this.grow(handle + 1)
    this.homes[handle] = shard
  }

  /** Takes over a whole table. */
  load(homes: Uint8Array): void {
    this.grow(homes.length)
    this.homes.set(homes)
  }

  /** The homes of handles 0 to `count - 1`. */
  copy(count: number): Uint8Array {
    this.grow(count)
    return this.homes.slice(0, count)
  }

  private grow(atLeast: number): void {
    if (atLeast <= this.homes.length) return
    const homes = new Uint8Array(Math.max(atLeast, this.homes.length * 2))
    homes.set(this.homes)
    this.homes = homes
  }
}
